# bash completion of kproduce, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
_kproduce_topics() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 ktopics list "${broker[@]}" 2>/dev/null
}

_kproduce() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local flags='-t --topic -p --partition --create -P --producer -D --delimiter -0 --nul -l --lines --whole -K --key-delimiter --no-key-ok -k --key -H --header -Z --empty-null --null --skip-empty --ts -z --compress -c --count -u --unbuffered -E --keep-going --failed --report --ack-src -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'

	COMPREPLY=()
	case $prev in
	-t|--topic)
		COMPREPLY=($(compgen -W "$(_kproduce_topics)" -- "$cur"))
		return
		;;
	-p|--partition)
		COMPREPLY=()
		return
		;;
	-D|--delimiter)
		COMPREPLY=()
		return
		;;
	-K|--key-delimiter)
		COMPREPLY=()
		return
		;;
	-k|--key)
		COMPREPLY=()
		return
		;;
	-H|--header)
		COMPREPLY=()
		return
		;;
	--null)
		COMPREPLY=()
		return
		;;
	--ts)
		COMPREPLY=()
		return
		;;
	-z|--compress)
		COMPREPLY=($(compgen -W "none gzip snappy lz4 zstd" -- "$cur"))
		return
		;;
	-c|--count)
		COMPREPLY=()
		return
		;;
	--failed)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--report)
		COMPREPLY=()
		return
		;;
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
		COMPREPLY=($(compgen -W "$(kproduce -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p')" -- "$cur"))
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
	if [[ $cur != -* ]]; then
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
	[[ $cur != -* ]] ||
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}

complete -F _kproduce kproduce
