// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
// 50 grains in turn: one shred begins one every 0.1 ms, another turns it round 2.5 ms later; cheaper than a shred a grain
SinOsc sines[50]; Envelope windows[50]; Gain sum => dac; 0.02 => sum.gain;
for (0 => int i; i < 50; i++) { sines[i] => windows[i] => sum; 2.5::ms => windows[i].duration; }
fun void begin() {
  for (0 => int n; true; n++) {
    200 + n * 37 % 4000 => sines[n % 50].freq; 0 => sines[n % 50].phase; windows[n % 50].keyOn(); 0.1::ms => now;
  }
}
fun void turn() { 2.5::ms => now; for (0 => int n; true; n++) { windows[n % 50].keyOff(); 0.1::ms => now; } }
spork ~ begin(); spork ~ turn();
Std.atof(me.arg(1))::second => now; file.closeFile();
