// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
Noise source; 0.1 / 64 => source.gain; Delay lines[64]; Gain loops[64];
for (0 => int i; i < 64; i++) {
  1009 + 29 * i => int n; (n + 1)::samp => lines[i].max; (n - 1)::samp => lines[i].delay;
  source => lines[i] => dac; lines[i] => loops[i] => lines[i]; Math.pow(10, -3.0 * n / 96000) => loops[i].gain;
}
Std.atof(me.arg(1))::second => now; file.closeFile();
