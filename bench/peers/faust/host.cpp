// host FILE.wav SECONDS BLOCK: COPIES of one processor summed into a float WAV file, 48 kHz.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
using std::max;
using std::min;
#define FAUSTFLOAT float
struct Meta {
  void declare(const char *, const char *) {}
};
struct UI {
  float *copy = nullptr;
  void openVerticalBox(const char *) {}
  void openHorizontalBox(const char *) {}
  void closeBox() {}
  void declare(float *, const char *, const char *) {}
  void addNumEntry(const char *name, float *zone, float, float, float, float) {
    if (strcmp(name, "v") == 0) copy = zone;
  }
};
struct dsp {};
<<includeIntrinsic>>
<<includeclass>>

static void put(std::vector<uint8_t> &to, uint32_t value, int n) {
  for (int i = 0; i < n; i++) to.push_back(uint8_t(value >> 8 * i));
}
static std::vector<uint8_t> header(uint32_t channels, uint32_t frames) {
  std::vector<uint8_t> h = {'R', 'I', 'F', 'F'};
  put(h, 36 + frames * channels * 4, 4);
  for (char c : {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '}) h.push_back(uint8_t(c));
  put(h, 16, 4);
  put(h, 3, 2);
  put(h, channels, 2);
  put(h, 48000, 4);
  put(h, 48000 * 4 * channels, 4);
  put(h, 4 * channels, 2);
  put(h, 32, 2);
  for (char c : {'d', 'a', 't', 'a'}) h.push_back(uint8_t(c));
  put(h, frames * channels * 4, 4);
  return h;
}

int main(int n_words, char **words) {
  if (n_words != 4) return 2;
  long n_frames = long(atof(words[2]) * 48000 + 0.5), block = atol(words[3]);
  static mydsp copies[COPIES];
  for (int i = 0; i < COPIES; i++) {
    UI ui;
    copies[i].init(48000);
    copies[i].buildUserInterface(&ui);
    if (ui.copy) *ui.copy = float(i);
  }
  int channels = copies[0].getNumOutputs();
  std::vector<std::vector<float>> one(channels, std::vector<float>(block)), sum = one;
  std::vector<float *> at;
  for (auto &channel : one) at.push_back(channel.data());
  std::vector<float> frames(block * channels);
  FILE *file = fopen(words[1], "wb");
  if (!file) return 1;
  std::vector<uint8_t> head = header(channels, n_frames);
  fwrite(head.data(), 1, head.size(), file);
  for (long t = 0; t < n_frames; t += block) {
    int n = int(min(block, n_frames - t));
    for (auto &channel : sum) std::fill(channel.begin(), channel.end(), 0.0f);
    for (auto &copy : copies) {
      copy.compute(n, nullptr, at.data());
      for (int c = 0; c < channels; c++)
        for (int i = 0; i < n; i++) sum[c][i] += one[c][i];
    }
    for (int c = 0; c < channels; c++)
      for (int i = 0; i < n; i++) frames[i * channels + c] = sum[c][i];
    fwrite(frames.data(), 4 * channels, n, file);
  }
  return fclose(file) != 0;
}
