/// WebAssembly has no jump out of a function: where the library would escape (out of memory, a
/// program nested too deep), the driver ends. Found before the C library's header.
#ifndef KR_MATRIX_SETJMP_H
#define KR_MATRIX_SETJMP_H
typedef int jmp_buf[1];
#define setjmp(where) ((void)(where), 0)
_Noreturn static inline void longjmp(jmp_buf where, int value) {
  (void)where;
  (void)value;
  __builtin_trap();
}
#endif
