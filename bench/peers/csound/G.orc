instr 1
  ga1 rand 0.1, 0.5, 1
  index = 0
  while index < 64 do
    schedule 2, 0, p3, (1009 + 29 * index) / 48000
    index += 1
  od
endin
instr 2
  out comb(ga1 / 64, 2, p4)
endin
