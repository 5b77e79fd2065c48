; bqrez gives twice its input below the corner. p4 frequency, p5 place 0 to 1, p6 length of the gate
instr 2
  ileft = cos(p5 * $M_PI_2) * 0.025
  iright = sin(p5 * $M_PI_2) * 0.025
  kenv linseg 0, 0.01, 1, 0.06, 0.5, p6 - 0.07, 0.5, 0.09, 0, 1, 0
  asaw vco2 1, p4, 0
  alow bqrez asaw, 300 + 4000 * kenv, 4
  alow *= kenv
  outs alow * ileft, alow * iright
endin
