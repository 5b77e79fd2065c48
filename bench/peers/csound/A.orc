gisine ftgen 1, 0, 16384, 10, 1
instr 1
  index = 0
  while index < 1000 do
    schedule 2, 0, p3, 100 + 7.3 * index
    index += 1
  od
endin
instr 2
  out oscili(0.001, p4)
endin
