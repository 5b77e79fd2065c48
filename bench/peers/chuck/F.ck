// args: file, seconds
dac => WvOut file => blackhole; me.arg(0) => file.wavFilename;
// there is no gate: a loop over the bins in the language itself
Noise source => FFT forward => blackhole; IFFT backward => dac; 0.5 => source.gain; 2 / 3.0 => backward.gain;
2048 => forward.size => backward.size; Windowing.hann(2048) => forward.window => backward.window; complex bins[1024];
fun void gate() {
  while (true) {
    forward.upchuck(); forward.spectrum(bins);
    for (0 => int i; i < 1024; i++)
      if (bins[i].re * bins[i].re + bins[i].im * bins[i].im < 0.0000238) #(0, 0) => bins[i];
    backward.transform(bins); 512::samp => now;
  }
}
spork ~ gate();
Std.atof(me.arg(1))::second => now; file.closeFile();
