gisine ftgen 1, 0, 16384, 10, 1
instr 1
  index = 0
  while index < 200 do
    schedule 2, 0, p3, 200 + 17 * index, 0.5 + 0.05 * index
    index += 1
  od
endin
instr 2
  kbend lfo 20, p5, 0
  out oscili(0.005, interp(p4 + kbend), 1)
endin
