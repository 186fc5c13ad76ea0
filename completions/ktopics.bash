# bash completion of ktopics, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
_ktopics_topics() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 ktopics list "${broker[@]}" 2>/dev/null
}

_ktopics() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local flags='-b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
	local topic_properties='cleanup.policy compression.gzip.level compression.lz4.level compression.type compression.zstd.level delete.retention.ms file.delete.delay.ms flush.messages flush.ms follower.replication.throttled.replicas index.interval.bytes leader.replication.throttled.replicas local.retention.bytes local.retention.ms max.compaction.lag.ms max.message.bytes message.timestamp.after.max.ms message.timestamp.before.max.ms message.timestamp.type min.cleanable.dirty.ratio min.compaction.lag.ms min.insync.replicas preallocate remote.log.copy.disable remote.log.delete.on.disable remote.storage.enable retention.bytes retention.ms segment.bytes segment.index.bytes segment.jitter.ms segment.ms unclean.leader.election.enable'
	local i verb=

	COMPREPLY=()
	case $prev in
	-b|--bootstrap-server)
		COMPREPLY=()
		return
		;;
	-F|--config)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--profile)
		COMPREPLY=()
		return
		;;
	-X|--property)
		COMPREPLY=($(compgen -W "$(ktopics -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p')" -- "$cur"))
		compopt -o nospace 2>/dev/null
		return
		;;
	-m|--step-timeout)
		COMPREPLY=()
		return
		;;
	--timeout)
		COMPREPLY=()
		return
		;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		list|ls|describe|create|delete|rm|get|set|unset|partitions|offsets|trim|du|who)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $verb in
	'')
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "list describe create delete get set unset partitions offsets trim du who" -- "$cur"))
		;;
	list|ls)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "name partitions replicas bytes records last_write internal id" -- "$cur"))
			return
			;;
		esac
		flags='-l --long -o --columns --header -i --internal -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	describe)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "topic partition leader epoch replicas isr offline start end" -- "$cur"))
			return
			;;
		esac
		flags='-o --columns --header -i --internal --under-replicated --unavailable --under-min-isr --at-min-isr --fail -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	create)
		case $prev in
		-p|--partitions)
			COMPREPLY=()
			return
			;;
		-r|--replicas)
			COMPREPLY=()
			return
			;;
		-o|--set)
			COMPREPLY=($(compgen -S = -W "$topic_properties" -- "$cur"))
			compopt -o nospace 2>/dev/null
			return
			;;
		--assign)
			COMPREPLY=()
			return
			;;
		esac
		flags='-p --partitions -r --replicas -o --set --assign --if-not-exists --wait -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			:
		;;
	delete|rm)
		case $prev in
		esac
		flags='-y --yes --if-exists --wait -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	get)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "topic property value source default read_only" -- "$cur"))
			return
			;;
		--broker)
			COMPREPLY=()
			return
			;;
		esac
		flags='-o --columns --header -i --internal --broker -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	set)
		case $prev in
		--broker)
			COMPREPLY=()
			return
			;;
		esac
		flags='--broker -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	unset)
		case $prev in
		--broker)
			COMPREPLY=()
			return
			;;
		esac
		flags='--broker -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	partitions)
		case $prev in
		esac
		flags='--wait -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	offsets)
		case $prev in
		--at)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "topic partition start end records at at_time" -- "$cur"))
			return
			;;
		esac
		flags='--at -o --columns --header -i --internal -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	trim)
		case $prev in
		--before)
			COMPREPLY=()
			return
			;;
		--offset)
			COMPREPLY=()
			return
			;;
		-p|--partition)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "topic partition start to records bytes" -- "$cur"))
			return
			;;
		esac
		flags='--before --offset -p --partition -y --yes -n --dry-run -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	du)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "topic partition broker bytes lag dir future" -- "$cur"))
			return
			;;
		esac
		flags='-s --summary -o --columns --header -i --internal -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	who)
		case $prev in
		--http)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "topic role group state client_id host partitions member producer epoch last_write transaction" -- "$cur"))
			return
			;;
		esac
		flags='-a --all --http -o --columns --header -i --internal -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_ktopics_topics)" -- "$cur"))
		;;
	esac
	[[ $cur != -* ]] ||
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}

complete -F _ktopics ktopics
