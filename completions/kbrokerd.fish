# fish completion of kbrokerd, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
function __kbrokerd_topics
    set -l words (commandline -opc)
    set -l broker
    if set -l at (contains -i -- -b $words)
        set broker -b $words[(math $at + 1)]
    end
    timeout 0.3 ktopics list $broker 2>/dev/null
end

function __kbrokerd_properties
    kbrokerd -T 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p'
end

complete -c kbrokerd -f
complete -c kbrokerd -s F -l config -r -d 'read settings from a server.properties'
complete -c kbrokerd -s X -l set -x -a '(__kbrokerd_properties)' -d 'set one property, over the file\'s and KAFKA_*; repeatable'
complete -c kbrokerd -l lenient -d 'warn about unknown properties instead of stopping'
complete -c kbrokerd -s t -l test -d 'check the settings and exit'
complete -c kbrokerd -s T -l print -d 'print the settings in effect, with their origin, and exit'
complete -c kbrokerd -l tmp -d 'use a private data directory that is removed at the end; nothing is synced'
complete -c kbrokerd -l port-file -r -d 'write the port to a file when the broker is ready'
complete -c kbrokerd -l ready-fd -x -d 'write the ready line to this descriptor too, and close it'
complete -c kbrokerd -l log -x -a 'logfmt json' -d 'how lines on stderr are written'
complete -c kbrokerd -s v -l verbose -d 'tell more on stderr'
complete -c kbrokerd -s q -l quiet -d 'tell only warnings and errors'
complete -c kbrokerd -s V -l version -d 'print the version and exit'
complete -c kbrokerd -s h -l help -d 'print this text and exit'
complete -c kbrokerd -l help-json -d 'print the options as JSON and exit'
