giones ftgen 2, 0, 2048, 7, 1, 2048, 1
instr 1
  asource rand 0.5, 0.5, 1
  fbins pvsanal asource, 2048, 512, 2048, 1
  fkept pvstencil fbins, 0, 0.0195, 2
  out pvsynth(fkept)
endin
