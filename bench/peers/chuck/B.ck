// args: file, seconds
dac => WvOut2 file => blackhole; me.arg(0) => file.wavFilename;
// the cutoff follows the envelope in steps of 64 ticks
fun void open(ADSR env, LPF low) { while (true) { 300 + 4000 * env.value() => low.freq; 64::samp => now; } }
fun void voice(int v) {
  BlitSaw saw => LPF low => ADSR env => Pan2 place => dac; env => blackhole; 4 => low.Q; 2.04 => saw.gain;
  env.set(10::ms, 60::ms, 0.5, 90::ms); v / 31.5 - 1 => place.pan; 0.05 => place.gain;
  spork ~ open(env, low); (v * 0.25 / 64)::second => now;
  for (0 => int n; true; n++) {
    110 * Math.pow(2, ((v * 7 + n * 5) % 64) / 21.0) => saw.freq;
    env.keyOn(); 150::ms => now; env.keyOff(); 100::ms => now;
  }
}
for (0 => int v; v < 64; v++) spork ~ voice(v);
Std.atof(me.arg(1))::second => now; file.closeFile();
