# fish completion of ktopics, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
function __ktopics_topics
    set -l words (commandline -opc)
    set -l broker
    if set -l at (contains -i -- -b $words)
        set broker -b $words[(math $at + 1)]
    end
    timeout 0.3 ktopics list $broker 2>/dev/null
end

function __ktopics_properties
    ktopics -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p'
end

complete -c ktopics -f
complete -c ktopics -n __fish_use_subcommand -a list -d 'List topics'
complete -c ktopics -n __fish_use_subcommand -a describe -d 'Show leaders, replicas and offsets of partitions'
complete -c ktopics -n __fish_use_subcommand -a create -d 'Create topics'
complete -c ktopics -n __fish_use_subcommand -a delete -d 'Delete topics and their records'
complete -c ktopics -n __fish_use_subcommand -a get -d 'Show properties, where each comes from, and its default'
complete -c ktopics -n __fish_use_subcommand -a set -d 'Set properties'
complete -c ktopics -n __fish_use_subcommand -a unset -d 'Give properties their default again'
complete -c ktopics -n __fish_use_subcommand -a partitions -d 'Raise the number of partitions to N'
complete -c ktopics -n __fish_use_subcommand -a offsets -d 'Show the first and the next offset of partitions'
complete -c ktopics -s b -l bootstrap-server -x -d 'Brokers to ask first'
complete -c ktopics -s F -l config -r -d 'Read properties from FILE, in librdkafka\'s or Java\'s names; \'none\' reads no file'
complete -c ktopics -l profile -x -d 'Use the section [NAME] of the config file too'
complete -c ktopics -s X -l property -x -a '(__ktopics_properties)' -d 'Set a property; \'list\' shows all of them, \'dump\' those in force'
complete -c ktopics -s m -l step-timeout -x -d 'Longest wait for one step: connecting, metadata, a change'
complete -c ktopics -l timeout -x -d 'End the whole run after that time, with status 3'
complete -c ktopics -s J -l json -d 'JSON, one object per line'
complete -c ktopics -s q -l quiet -d 'Say only errors on stderr'
complete -c ktopics -s v -l verbose -d 'Say more on stderr; twice: even more'
complete -c ktopics -s V -l version -d 'Show the version'
complete -c ktopics -s h -l help -d 'Show this help'
complete -c ktopics -l help-json -d 'Show all options as JSON'
complete -c ktopics -n '__fish_seen_subcommand_from list ls' -s l -l long -d 'Partitions, replicas, bytes, records and last write too'
complete -c ktopics -n '__fish_seen_subcommand_from list ls' -s o -l columns -x -a 'name partitions replicas bytes records last_write internal id' -d 'Print these columns, in this order'
complete -c ktopics -n '__fish_seen_subcommand_from list ls' -l header -d 'Print a header on a pipe too'
complete -c ktopics -n '__fish_seen_subcommand_from list ls' -s i -l internal -d 'Internal topics too'
complete -c ktopics -n '__fish_seen_subcommand_from list ls' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -s o -l columns -x -a 'topic partition leader epoch replicas isr offline start end' -d 'Print these columns, in this order'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l header -d 'Print a header on a pipe too'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -s i -l internal -d 'Internal topics too'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l under-replicated -d 'Only partitions with replicas that are not in sync'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l unavailable -d 'Only partitions without a leader'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l under-min-isr -d 'Only partitions with fewer replicas in sync than min.insync.replicas'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l at-min-isr -d 'Only partitions with just min.insync.replicas in sync'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -l fail -d 'Exit with 1 if any partition is shown'
complete -c ktopics -n '__fish_seen_subcommand_from describe' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from create' -s p -l partitions -x -d 'Number of partitions'
complete -c ktopics -n '__fish_seen_subcommand_from create' -s r -l replicas -x -d 'Replicas of each partition'
complete -c ktopics -n '__fish_seen_subcommand_from create' -s o -l set -x -a 'cleanup.policy= compression.gzip.level= compression.lz4.level= compression.type= compression.zstd.level= delete.retention.ms= file.delete.delay.ms= flush.messages= flush.ms= follower.replication.throttled.replicas= index.interval.bytes= leader.replication.throttled.replicas= local.retention.bytes= local.retention.ms= max.compaction.lag.ms= max.message.bytes= message.timestamp.after.max.ms= message.timestamp.before.max.ms= message.timestamp.type= min.cleanable.dirty.ratio= min.compaction.lag.ms= min.insync.replicas= preallocate= remote.log.copy.disable= remote.log.delete.on.disable= remote.storage.enable= retention.bytes= retention.ms= segment.bytes= segment.index.bytes= segment.jitter.ms= segment.ms= unclean.leader.election.enable=' -d 'Set a property of the topic: retention.ms=7d'
complete -c ktopics -n '__fish_seen_subcommand_from create' -l assign -x -d 'Brokers of each partition, the first one leading: 1:2,2:3'
complete -c ktopics -n '__fish_seen_subcommand_from create' -l if-not-exists -d 'A topic that is there already is fine; 1 if it is not as asked for'
complete -c ktopics -n '__fish_seen_subcommand_from create' -l wait -d 'Wait until every broker has it, with leaders and all replicas in sync, at most T (30s)'
complete -c ktopics -n '__fish_seen_subcommand_from create' -s n -l dry-run -d 'Change nothing, but do every check and exit as the real run would'
complete -c ktopics -n '__fish_seen_subcommand_from delete rm' -s y -l yes -d 'Do not ask; needed where stdin is no terminal'
complete -c ktopics -n '__fish_seen_subcommand_from delete rm' -l if-exists -d 'A topic that is not there is fine'
complete -c ktopics -n '__fish_seen_subcommand_from delete rm' -l wait -d 'Wait until no broker has it any more, at most T (30s)'
complete -c ktopics -n '__fish_seen_subcommand_from delete rm' -s n -l dry-run -d 'Change nothing, but do every check and exit as the real run would'
complete -c ktopics -n '__fish_seen_subcommand_from delete rm' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from get' -s o -l columns -x -a 'topic property value source default read_only' -d 'Print these columns, in this order'
complete -c ktopics -n '__fish_seen_subcommand_from get' -l header -d 'Print a header on a pipe too'
complete -c ktopics -n '__fish_seen_subcommand_from get' -s i -l internal -d 'Internal topics too'
complete -c ktopics -n '__fish_seen_subcommand_from get' -l broker -x -d 'A broker\'s properties, not a topic\'s'
complete -c ktopics -n '__fish_seen_subcommand_from get' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from set' -l broker -x -d 'A broker\'s properties, not a topic\'s'
complete -c ktopics -n '__fish_seen_subcommand_from set' -s n -l dry-run -d 'Change nothing, but do every check and exit as the real run would'
complete -c ktopics -n '__fish_seen_subcommand_from set' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from unset' -l broker -x -d 'A broker\'s properties, not a topic\'s'
complete -c ktopics -n '__fish_seen_subcommand_from unset' -s n -l dry-run -d 'Change nothing, but do every check and exit as the real run would'
complete -c ktopics -n '__fish_seen_subcommand_from unset' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from partitions' -l wait -d 'Wait until every broker has them, with leaders and all replicas in sync, at most T (30s)'
complete -c ktopics -n '__fish_seen_subcommand_from partitions' -s n -l dry-run -d 'Change nothing, but do every check and exit as the real run would'
complete -c ktopics -n '__fish_seen_subcommand_from partitions' -a '(__ktopics_topics)'
complete -c ktopics -n '__fish_seen_subcommand_from offsets' -l at -x -d 'Also the offset of the first record at or after T: -1h, 2026-08-01T10:00Z, ms'
complete -c ktopics -n '__fish_seen_subcommand_from offsets' -s o -l columns -x -a 'topic partition start end records at at_time' -d 'Print these columns, in this order'
complete -c ktopics -n '__fish_seen_subcommand_from offsets' -l header -d 'Print a header on a pipe too'
complete -c ktopics -n '__fish_seen_subcommand_from offsets' -s i -l internal -d 'Internal topics too'
complete -c ktopics -n '__fish_seen_subcommand_from offsets' -a '(__ktopics_topics)'
