// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
// sync 2: the input moves the frequency; the modulator as a cosine makes the phase follow a sine
fun void voice(int v) {
  SinOsc modulator => ADSR depth => SinOsc carrier => ADSR env => dac; 2 => carrier.sync; 0.25 => modulator.phase;
  0 => modulator.freq => carrier.freq; 0.01 => carrier.gain;
  env.set(10::ms, 60::ms, 0.5, 90::ms); depth.set(10::ms, 60::ms, 0.5, 90::ms);
  (v / 256.0)::second => now;
  for (0 => int n; true; n++) {
    110 * Math.pow(2, ((v * 7 + n * 5) % 256) / 85.0) => float freq;
    freq => carrier.freq; 2 * freq => modulator.freq; 6 * freq => modulator.gain;
    env.keyOn(); depth.keyOn(); 600::ms => now; env.keyOff(); depth.keyOff(); 400::ms => now;
  }
}
for (0 => int v; v < 256; v++) spork ~ voice(v);
Std.atof(me.arg(1))::second => now; file.closeFile();
