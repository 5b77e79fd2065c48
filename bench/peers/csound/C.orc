; p4 frequency, p6 length of the gate
; foscili moves the frequency: with cosines and the index negative, the phase follows a sine
gicosine ftgen 1, 0, 16384, 9, 1, 1, 90
instr 2
  kenv linseg 0, 0.01, 1, 0.06, 0.5, p6 - 0.07, 0.5, 0.09, 0, 1, 0
  out foscili(kenv * 0.01, p4, 1, 2, -3 * kenv, 1)
endin
