# fish completion of kproduce, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
function __kproduce_topics
    set -l words (commandline -opc)
    set -l broker
    if set -l at (contains -i -- -b $words)
        set broker -b $words[(math $at + 1)]
    end
    timeout 0.3 ktopics list $broker 2>/dev/null
end

function __kproduce_properties
    kproduce -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p'
end

complete -c kproduce -s t -l topic -x -a '(__kproduce_topics)' -d 'Topic to produce to; with -J it overrides the envelope\'s'
complete -c kproduce -s p -l partition -x -d 'Partition of every record, -1 for the partitioner\'s choice, or keep: the envelope\'s'
complete -c kproduce -l create -d 'Create a missing topic, with P partitions and R replicas, else the broker\'s defaults and what -p asks for'
complete -c kproduce -s P -l producer -d 'Taken for kcat\'s sake'
complete -c kproduce -s D -l delimiter -x -d 'Records are parted by this; \\n \\t \\r \\0 \\xNN'
complete -c kproduce -s 0 -l nul -d 'Records are parted by NUL bytes'
complete -c kproduce -s l -l lines -d 'Part the files into records, too; else each is one record'
complete -c kproduce -l whole -d 'All of stdin is one record'
complete -c kproduce -s K -l key-delimiter -x -d 'A record is its key, this, and its value'
complete -c kproduce -l no-key-ok -d 'With -K: a record without the delimiter has a null key'
complete -c kproduce -s k -l key -x -d 'Key of every record'
complete -c kproduce -s H -l header -x -d 'Header of every record; NAME alone is a null one, NAME:=BASE64 bytes; repeatable'
complete -c kproduce -s Z -l empty-null -d 'An empty key or value is null'
complete -c kproduce -l null -x -d 'A key or value that is TOKEN is null'
complete -c kproduce -l skip-empty -d 'Drop empty records'
complete -c kproduce -l ts -x -d 'Timestamp of the records: now, keep (the envelope\'s), or a time'
complete -c kproduce -s z -l compress -x -a 'none gzip snappy lz4 zstd' -d 'none, gzip, snappy, lz4 or zstd'
complete -c kproduce -s c -l count -x -d 'Stop after N records'
complete -c kproduce -s u -l unbuffered -d 'Send each record at once'
complete -c kproduce -s E -l keep-going -d 'Go on after a record that fails'
complete -c kproduce -l failed -r -d 'Write records that failed here, framed as the input'
complete -c kproduce -l report -x -d 'Print each delivered record on stdout, by kconsume\'s -f format, or json'
complete -c kproduce -l ack-src -d 'With -J: print TOPIC PARTITION OFFSET of each envelope once it is delivered, and end at the end, for kconsume --ack-fd'
complete -c kproduce -s b -l bootstrap-server -x -d 'Brokers to ask first'
complete -c kproduce -s F -l config -r -d 'Read properties from FILE, in librdkafka\'s or Java\'s names; \'none\' reads no file'
complete -c kproduce -l profile -x -d 'Use the section [NAME] of the config file too'
complete -c kproduce -s X -l property -x -a '(__kproduce_properties)' -d 'Set a property; \'list\' shows all of them, \'dump\' those in force'
complete -c kproduce -s m -l step-timeout -x -d 'Longest wait for one step: connecting, metadata, a change'
complete -c kproduce -l timeout -x -d 'End the whole run after that time, with status 3'
complete -c kproduce -s J -l json -d 'JSON, one object per line'
complete -c kproduce -s q -l quiet -d 'Say only errors on stderr'
complete -c kproduce -s v -l verbose -d 'Say more on stderr; twice: even more'
complete -c kproduce -s V -l version -d 'Show the version'
complete -c kproduce -s h -l help -d 'Show this help'
complete -c kproduce -l help-json -d 'Show all options as JSON'
