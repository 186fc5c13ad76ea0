# bash completion of kgroups, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
_kgroups_topics() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 ktopics list "${broker[@]}" 2>/dev/null
}

# Names of groups, if the cluster tells them within 300 ms.
_kgroups_groups() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 kgroups list "${broker[@]}" 2>/dev/null
}

_kgroups() {
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
		COMPREPLY=($(compgen -W "$(kgroups -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p')" -- "$cur"))
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
		list|ls|describe|members|lag|why|check|wait|reset|apply|skip|peek|export|import|clone|delete|rm|forget)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $verb in
	'')
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "list describe members lag why check wait reset apply skip peek export import clone delete forget" -- "$cur"))
		;;
	list|ls)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "group state type protocol coordinator members lag" -- "$cur"))
			return
			;;
		--state)
			COMPREPLY=($(compgen -W "empty stable preparingrebalance completingrebalance assigning reconciling dead" -- "$cur"))
			return
			;;
		--type)
			COMPREPLY=($(compgen -W "classic consumer simple share streams" -- "$cur"))
			return
			;;
		esac
		flags='-l --long -o --columns --header --state --type -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	describe)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "group state type protocol assignor coordinator epoch assignment_epoch members partitions lag" -- "$cur"))
			return
			;;
		esac
		flags='-o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	members)
		case $prev in
		-o|--columns)
			COMPREPLY=($(compgen -W "group member client_id host instance rack epoch partitions assigned target subscribed" -- "$cur"))
			return
			;;
		esac
		flags='-o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	lag)
		case $prev in
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		--by)
			COMPREPLY=($(compgen -W "partition topic group" -- "$cur"))
			return
			;;
		--over)
			COMPREPLY=()
			return
			;;
		--count)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "group topic partition committed start end lag time_lag rate eta member host lost client_id written time partitions members" -- "$cur"))
			return
			;;
		esac
		flags='-t --topic --time --by --over --watch --count -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	why)
		case $prev in
		--over)
			COMPREPLY=()
			return
			;;
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "group severity finding topic partition text" -- "$cur"))
			return
			;;
		esac
		flags='--over -t --topic -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	check)
		case $prev in
		-w|--warning)
			COMPREPLY=()
			return
			;;
		-c|--critical)
			COMPREPLY=()
			return
			;;
		--time-w)
			COMPREPLY=()
			return
			;;
		--time-c)
			COMPREPLY=()
			return
			;;
		--stalled)
			COMPREPLY=()
			return
			;;
		--over)
			COMPREPLY=()
			return
			;;
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		esac
		flags='-w --warning -c --critical --time-w --time-c --stalled --over -t --topic -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	wait)
		case $prev in
		--lag)
			COMPREPLY=()
			return
			;;
		--state)
			COMPREPLY=($(compgen -W "empty stable dead" -- "$cur"))
			return
			;;
		--members)
			COMPREPLY=()
			return
			;;
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		esac
		flags='--lag --state --members -t --topic -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	reset)
		case $prev in
		--to)
			COMPREPLY=($(compgen -W "earliest latest current group: file:" -- "$cur"))
			return
			;;
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		--wait-empty)
			COMPREPLY=()
			return
			;;
		esac
		flags='--to -t --topic --all-topics --execute --undo --wait-empty -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	apply)
		case $prev in
		-G|--group)
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		--wait-empty)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "group topic partition from to ok error code message" -- "$cur"))
			return
			;;
		esac
		flags='-G --group --undo --force --wait-empty -n --dry-run -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -f -- "$cur"))
		;;
	skip)
		case $prev in
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		-p|--partition)
			COMPREPLY=()
			return
			;;
		--count)
			COMPREPLY=()
			return
			;;
		--to-dlq)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		--wait-empty)
			COMPREPLY=()
			return
			;;
		esac
		flags='-t --topic -p --partition --count --to-dlq --undo --wait-empty -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	peek)
		case $prev in
		-B|--before)
			COMPREPLY=()
			return
			;;
		-A|--after)
			COMPREPLY=()
			return
			;;
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "topic partition offset place time key value" -- "$cur"))
			return
			;;
		esac
		flags='-B --before -A --after -t --topic -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	export)
		case $prev in
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		esac
		flags='-t --topic -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	import)
		case $prev in
		-G|--group)
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		--wait-empty)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "group topic partition from to ok error code message" -- "$cur"))
			return
			;;
		esac
		flags='-G --group --undo --force --wait-empty -n --dry-run -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -f -- "$cur"))
		;;
	clone)
		case $prev in
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		--wait-empty)
			COMPREPLY=()
			return
			;;
		-o|--columns)
			COMPREPLY=($(compgen -W "group topic partition from to ok error code message" -- "$cur"))
			return
			;;
		esac
		flags='-t --topic --undo --force --wait-empty -n --dry-run -o --columns --header -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	delete|rm)
		case $prev in
		esac
		flags='-y --yes --if-exists -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	forget)
		case $prev in
		-t|--topic)
			COMPREPLY=($(compgen -W "$(_kgroups_topics)" -- "$cur"))
			return
			;;
		--undo)
			COMPREPLY=($(compgen -f -- "$cur"))
			return
			;;
		esac
		flags='-t --topic -y --yes --undo -n --dry-run -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'
		[[ $cur == -* ]] ||
			COMPREPLY=($(compgen -W "$(_kgroups_groups)" -- "$cur"))
		;;
	esac
	[[ $cur != -* ]] ||
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}

complete -F _kgroups kgroups
