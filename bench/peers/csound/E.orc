; p4 frequency; sample-accurate (an option: see peers.py)
gisine ftgen 1, 0, 16384, 10, 1
instr 2
  awindow linseg 0, 0.0025, 0.02, 0.0025, 0
  out oscili(awindow, p4, 1)
endin
