# fish completion of kconsume, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
function __kconsume_topics
    set -l words (commandline -opc)
    set -l broker
    if set -l at (contains -i -- -b $words)
        set broker -b $words[(math $at + 1)]
    end
    timeout 0.3 ktopics list $broker 2>/dev/null
end

function __kconsume_properties
    kconsume -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p'
end

complete -c kconsume -f
complete -c kconsume -s t -l topic -x -a '(__kconsume_topics)' -d 'Topic to consume; repeatable'
complete -c kconsume -s p -l partition -x -d 'Only these partitions, as 0,2-5'
complete -c kconsume -s o -l offset -x -d 'Where to start: beginning, end, N, -N before the end, +N after the beginning, s@TIME, 0=5,1=9 for each partition; stored with -G; e@TIME is where to stop; repeatable'
complete -c kconsume -s e -l exit-at-end -d 'Exit at the end offsets as they were at the start'
complete -c kconsume -s c -l count -x -d 'Exit after N records'
complete -c kconsume -s n -l tail -x -d 'The last N records of all partitions by their timestamps, then exit'
complete -c kconsume -l isolation -x -a 'rc ru' -d 'rc: committed records only; ru: those of open and aborted transactions too'
complete -c kconsume -s G -l group -x -d 'Join the consumer group and read what it assigns; topics are operands, too, and one that begins with ^ is a pattern'
complete -c kconsume -l instance-id -x -d 'With -G: be a static member of that name, whose partitions are kept while it is away'
complete -c kconsume -l assignor -x -a 'range roundrobin sticky cooperative-sticky uniform' -d 'With -G: who gets what: range, roundrobin, sticky or cooperative-sticky; range or uniform of the coordinator'
complete -c kconsume -l only-new -d 'With -G and -o: start there only where nothing is stored'
complete -c kconsume -l commit -x -a 'none write drain ack' -d 'With -G: when a record is committed: never; when written; when the reader of stdout has read it, or the file has it on disk; when it is acknowledged'
complete -c kconsume -l ack-fd -x -d 'With --commit ack: read acknowledgements on descriptor N: lines TOPIC PARTITION OFFSET, a number of records, or end'
complete -c kconsume -l ack -x -a 'order exact' -d 'With --ack-fd: a record\'s acknowledgement is for those of its partition before it, too; or exact: for it alone'
complete -c kconsume -l exec -x -d 'With -G: give batches of records to the shell command, and commit each on which it exits with 0'
complete -c kconsume -l batch -x -d 'With --exec: a batch is N records, or what comes in a time as 2s; both given, whichever is first; N alone waits 1s for a batch to fill'
complete -c kconsume -l retries -x -d 'With --exec: try a batch so often again that fails'
complete -c kconsume -l dlq -x -a '(__kconsume_topics)' -d 'With --exec: put a batch that fails there and go on; a file has a / in it'
complete -c kconsume -s C -l consumer -d 'Taken for kcat\'s sake'
complete -c kconsume -s f -l format -x -d 'Print each record by this format: %s value, %S its length, %k key, %K its length, %T timestamp, %h headers, %t topic, %p partition, %o offset, \\n \\t \\xNN \\0'
complete -c kconsume -s D -l delimiter -x -d 'Print this after each record'
complete -c kconsume -s 0 -l nul -d 'Print a NUL byte after each record'
complete -c kconsume -s K -l key-delimiter -x -d 'Print the key and this before a value'
complete -c kconsume -s O -l print-offset -d 'Print the offset and the key delimiter before a record'
complete -c kconsume -s Z -l print-null -d 'Print null keys and values as NULL'
complete -c kconsume -l null -x -d 'Print null keys and values as TOKEN'
complete -c kconsume -s u -l unbuffered -d 'Write each record at once'
complete -c kconsume -l enc -x -a 'auto b64 hex' -d 'With -J: keys and values as text where they are UTF-8, else base64; or always base64 or hex'
complete -c kconsume -l meta -d 'With -J: no key, payload and headers, but size'
complete -c kconsume -s b -l bootstrap-server -x -d 'Brokers to ask first'
complete -c kconsume -s F -l config -r -d 'Read properties from FILE, in librdkafka\'s or Java\'s names; \'none\' reads no file'
complete -c kconsume -l profile -x -d 'Use the section [NAME] of the config file too'
complete -c kconsume -s X -l property -x -a '(__kconsume_properties)' -d 'Set a property; \'list\' shows all of them, \'dump\' those in force'
complete -c kconsume -s m -l step-timeout -x -d 'Longest wait for one step: connecting, metadata, a change'
complete -c kconsume -l timeout -x -d 'End the whole run after that time, with status 3'
complete -c kconsume -s J -l json -d 'JSON, one object per line'
complete -c kconsume -s q -l quiet -d 'Say only errors on stderr'
complete -c kconsume -s v -l verbose -d 'Say more on stderr; twice: even more'
complete -c kconsume -s V -l version -d 'Show the version'
complete -c kconsume -s h -l help -d 'Show this help'
complete -c kconsume -l help-json -d 'Show all options as JSON'
