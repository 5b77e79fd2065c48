# fish completion for kairo(1)
complete -c kairo -f
set -l commands render check fmt ast graph plan trace diff ops doctor live replay
set -l fresh "not __fish_seen_subcommand_from $commands"
complete -c kairo -n $fresh -a render -d 'run a program and write its outputs'
complete -c kairo -n $fresh -a check -d 'report the mistakes of a program'
complete -c kairo -n $fresh -a fmt -d 'print a program in the standard layout'
complete -c kairo -n $fresh -a ast -d 'print the syntax tree'
complete -c kairo -n $fresh -a graph -d 'print the graph'
complete -c kairo -n $fresh -a plan -d 'print rates, grid, order, leads, buffers'
complete -c kairo -n $fresh -a trace -d 'print what ran when'
complete -c kairo -n $fresh -a diff -d 'first differing sample of two outputs'
complete -c kairo -n $fresh -a ops -d 'list the operators'
complete -c kairo -n $fresh -a doctor -d 'say what this machine has and lacks'
complete -c kairo -n $fresh -a live -d 'play a program'
complete -c kairo -n $fresh -a replay -d 'run a recorded session again'
complete -c kairo -n $fresh -l version -d 'print the version'
complete -c kairo -l help -d 'print help'
complete -c kairo -n "__fish_seen_subcommand_from $commands" -F
set -l render '__fish_seen_subcommand_from render'
complete -c kairo -n $render -s o -r -d 'where outputs go'
complete -c kairo -n $render -s d -x -d duration
complete -c kairo -n $render -l rate -x -a 'audio= control= visual=' -d 'default rate of a class'
complete -c kairo -n $render -l seed -x -d 'seed of random operators'
complete -c kairo -n $render -l set -x -d 'value of an input'
complete -c kairo -n $render -l input -x -d 'source of an input'
complete -c kairo -n $render -l probe -x -d 'write a let as an output'
complete -c kairo -n $render -l lenient -d 'unreadable sounds are silence'
complete -c kairo -n $render -l profile -x -d profile
complete -c kairo -n $render -l block -x -d 'frames asked for at a time'
complete -c kairo -n $render -l threads -x -d threads
complete -c kairo -n $render -l format -x -a 'float pcm16 pcm24' -d 'sample format'
complete -c kairo -n $render -l stems -d 'the parts of every bus, too'
complete -c kairo -n $render -l video -d 'pictures as one video'
complete -c kairo -n $render -l digest -d 'print digests of the outputs'
complete -c kairo -n $render -l json -d 'summary as JSON'
complete -c kairo -n $render -l snapshot-at -x -d 'write a snapshot at a time'
complete -c kairo -n $render -l from-snapshot -r -d 'start from a snapshot'
complete -c kairo -n $render -l swap-at -x -d 'change the program at a time'
complete -c kairo -n '__fish_seen_subcommand_from check' -l parse-only -d 'syntax only'
complete -c kairo -n '__fish_seen_subcommand_from plan' -l live -d 'with latencies'
complete -c kairo -n '__fish_seen_subcommand_from plan graph trace' -l json -d 'as JSON'
complete -c kairo -n '__fish_seen_subcommand_from plan graph trace' -l dot -d 'as Graphviz'
