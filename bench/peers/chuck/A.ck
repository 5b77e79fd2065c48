// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
SinOsc sines[1000]; Gain sum => dac; 0.001 => sum.gain;
for (0 => int i; i < 1000; i++) { sines[i] => sum; 100 + 7.3 * i => sines[i].freq; }
Std.atof(me.arg(1))::second => now; file.closeFile();
