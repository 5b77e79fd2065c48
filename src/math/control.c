// What strict means in the control word of each processor, by its manual: x86 MXCSR and x87 control
// word, Arm FPCR and FPSCR, RISC-V frm, z/Architecture FPC, Power FPSCR. Elsewhere (WebAssembly)
// there is none to change.
#include "math/control.h"
#include <stdint.h>

#if defined(__i386__)
/// Converting 64-bit integers goes through the x87: all exceptions masked, 64 bits, to nearest.
static bool repair_x87(void) {
  uint16_t word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  if ((word & 0x0f3f) == 0x033f) return false;
  word = (uint16_t)((word & ~0x0f3f) | 0x033f);
  __asm__ volatile("fldcw %0" : : "m"(word));
  return true;
}
#elif defined(__x86_64__)
static bool repair_x87(void) { return false; }
#endif

#if defined(__SSE__)
/// Exception masks set; flush to zero, rounding and denormals are zero clear.
enum { MXCSR_MASKS = 0x1f80, MXCSR_LOOSE = 0xe040 };

bool kr_control_repair(void) {
  bool was_loose = repair_x87();
  uint32_t word = __builtin_ia32_stmxcsr();
  if ((word & (MXCSR_MASKS | MXCSR_LOOSE)) == MXCSR_MASKS) return was_loose;
  __builtin_ia32_ldmxcsr((word & ~(uint32_t)MXCSR_LOOSE) | MXCSR_MASKS);
  return true;
}

#elif defined(__aarch64__)
/// Trap enables; FZ16, rounding, FZ, DN; FIZ, AH, NEP.
enum { FPCR_LOOSE = 0x03c8bf07 };

bool kr_control_repair(void) {
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  if ((word & FPCR_LOOSE) == 0) return false;
  __asm__ volatile("msr fpcr, %0" : : "r"(word & ~(uint64_t)FPCR_LOOSE));
  return true;
}

#elif defined(__arm__) && defined(__ARM_FP)
/// Trap enables, vector length and stride, rounding, FZ, DN.
enum { FPSCR_LOOSE = 0x03f79f00 };

bool kr_control_repair(void) {
  uint32_t word;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(word));
  if ((word & FPSCR_LOOSE) == 0) return false;
  __asm__ volatile("vmsr fpscr, %0" : : "r"(word & ~(uint32_t)FPSCR_LOOSE));
  return true;
}

#elif defined(__riscv_flen)
bool kr_control_repair(void) {
  unsigned long mode;
  __asm__ volatile("frrm %0" : "=r"(mode));
  if (mode == 0) return false;
  __asm__ volatile("fsrm zero");
  return true;
}

#elif defined(__s390x__)
/// Trap enables and the binary rounding mode.
enum { FPC_TRAPS = 0x1f, FPC_TRAPS_SHIFT = 27, FPC_ROUNDING = 7 };

bool kr_control_repair(void) {
  uint32_t word, loose = (uint32_t)FPC_TRAPS << FPC_TRAPS_SHIFT | FPC_ROUNDING;
  __asm__ volatile("efpc %0" : "=d"(word));
  if ((word & loose) == 0) return false;
  __asm__ volatile("sfpc %0" : : "d"(word & ~loose));
  return true;
}

#elif defined(__powerpc64__)
/// Trap enables, non-IEEE mode, rounding.
enum { FPSCR_LOOSE = 0xff };

bool kr_control_repair(void) {
  union {
    double real;
    uint64_t bits;
  } word;
  __asm__ volatile("mffs %0" : "=f"(word.real));
  if ((word.bits & FPSCR_LOOSE) == 0) return false;
  word.bits &= ~(uint64_t)FPSCR_LOOSE;
  __asm__ volatile("mtfsf 255, %0" : : "f"(word.real));
  return true;
}

#else
bool kr_control_repair(void) { return false; }
#endif
