// Kairo inside a C program: a program from text, run in blocks of 480 frames, its loudest sample
// printed.
//   cc 12-embed.c $(pkg-config --cflags --libs kairo) && ./a.out
#include <kairo/kairo.h>
#include <stdio.h>
#include <string.h>

static const char text[] =
    "@duration = 1s\n"
    "flow lfo(dt=1/100 @rate=control) { output sine(freq=2Hz) }\n"
    "flow tone(dt=1/48000 @rate=audio) {\n"
    "  output sine(freq=440Hz + resample(lfo, to=audio, mode=linear) * 50Hz) * 0.5\n"
    "}\n";

static int report(const KrProgram *program, const KrSession *session, KrStatus status) {
  const char *error = session != NULL ? kr_session_error(session) : NULL;
  fprintf(stderr, "%s%s\n", program != NULL ? kr_program_messages(program) : "",
          error != NULL ? error : kr_status_text(status));
  return 1;
}

int main(void) {
  enum { FRAMES = 480 };
  KrProgram *program = NULL;
  KrSession *session = NULL;
  KrProgramOptions options;
  kr_program_defaults(&options);
  kr_ratio_make(FRAMES, 48000, &options.step);
  KrStatus status = kr_program_load("embed", text, strlen(text), &options, &program);
  if (status == KR_OK) status = kr_session_new(program, &session);
  if (status != KR_OK) return report(program, session, status);

  uint32_t tone = 0;
  while (strcmp(kr_program_output(program, tone).name, "tone") != 0) tone++;
  float peak = 0, frames[FRAMES];
  for (int64_t block = 0; block < 100; block++) {
    KrRatio to;
    kr_ratio_make((block + 1) * FRAMES, 48000, &to); // exact: never accumulated
    status = kr_session_run(session, to);
    if (status == KR_OK)
      status = kr_session_read_audio(session, tone, block * FRAMES, FRAMES, frames);
    if (status != KR_OK) return report(program, session, status);
    for (int i = 0; i < FRAMES; i++)
      if (frames[i] > peak) peak = frames[i];
  }
  printf("100 blocks of %d frames, peak %.6f\n", FRAMES, (double)peak);
  kr_session_free(session);
  kr_program_free(program);
  return 0;
}
