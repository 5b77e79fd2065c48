// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
// no control rate: 100 times a second a straight ramp (Envelope) is set for each oscillator
SinOsc sines[200]; Envelope bends[200]; Step one => blackhole; 1 => one.next; Gain sum => dac; 0.005 => sum.gain;
for (0 => int i; i < 200; i++) {
  one => bends[i] => sines[i] => sum; 0 => sines[i].sync; 10::ms => bends[i].duration; 200 + 17 * i => bends[i].value;
}
fun void swing() {
  for (1 => int n; true; n++) {
    for (0 => int i; i < 200; i++) 200 + 17 * i + 20 * Math.sin(2 * pi * (0.5 + 0.05 * i) * n * 0.01) => bends[i].target;
    10::ms => now;
  }
}
spork ~ swing();
Std.atof(me.arg(1))::second => now; file.closeFile();
