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
complete -c kbrokerd -l topic -x -d 'have a topic of N partitions with these properties when ready; what is there is kept and grows; repeatable'
complete -c kbrokerd -l http-port-file -r -d 'write the port of http.listeners to a file when the broker is ready'
complete -c kbrokerd -l port-file -r -d 'write the port to a file when the broker is ready'
complete -c kbrokerd -l ready-fd -x -d 'write the ready line to this descriptor too, and close it'
complete -c kbrokerd -l run -d 'run COMMAND against a private broker that ends with it'
complete -c kbrokerd -l data -r -d 'keep its data in DIR, for the next run too'
complete -c kbrokerd -l keep-on-failure -r -d 'make DIR for the data, and leave it if COMMAND fails'
complete -c kbrokerd -l probe -d 'say which of the addresses that a broker tells its clients can be reached from here; HOST:PORT, or the one of these settings'
complete -c kbrokerd -l trace -d 'print each request and answer as a line of JSON, secrets hidden'
complete -c kbrokerd -l trace-api -x -d 'only these requests: Produce,Fetch'
complete -c kbrokerd -l trace-client -x -d 'only requests of clients whose id is like this'
complete -c kbrokerd -l trace-records -d 'print records too, in base64, not only their size'
complete -c kbrokerd -l log -x -a 'logfmt json' -d 'how lines on stderr are written'
complete -c kbrokerd -l log-file -r -d 'append the lines to a file, opened again on SIGHUP'
complete -c kbrokerd -l log-level -x -d 'tell lines of error, warn, info or debug and above, of all or of one subsystem; repeatable'
complete -c kbrokerd -s v -l verbose -d 'tell more on stderr'
complete -c kbrokerd -s q -l quiet -d 'tell only warnings and errors'
complete -c kbrokerd -s V -l version -d 'print the version and exit'
complete -c kbrokerd -s h -l help -d 'print this text and exit'
complete -c kbrokerd -l help-json -d 'print the options as JSON and exit'
