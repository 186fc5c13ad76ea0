# bash completion of kbrokerd, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
_kbrokerd_topics() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 ktopics list "${broker[@]}" 2>/dev/null
}

_kbrokerd() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local flags='-F --config -X --set --lenient -t --test -T --print --tmp --topic --http-port-file --port-file --ready-fd --run --data --keep-on-failure --probe --trace --trace-api --trace-client --trace-records --log --log-file --log-level -v --verbose -q --quiet -V --version -h --help --help-json'

	COMPREPLY=()
	case $prev in
	-F|--config)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	-X|--set)
		COMPREPLY=($(compgen -W "$(kbrokerd -T 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p')" -- "$cur"))
		compopt -o nospace 2>/dev/null
		return
		;;
	--topic)
		COMPREPLY=()
		return
		;;
	--http-port-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--port-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--ready-fd)
		COMPREPLY=()
		return
		;;
	--data)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--keep-on-failure)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--trace-api)
		COMPREPLY=()
		return
		;;
	--trace-client)
		COMPREPLY=()
		return
		;;
	--log)
		COMPREPLY=($(compgen -W "logfmt json" -- "$cur"))
		return
		;;
	--log-file)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--log-level)
		COMPREPLY=()
		return
		;;
	esac
	if [[ $cur != -* ]]; then
		:
	fi
	[[ $cur != -* ]] ||
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}

complete -F _kbrokerd kbrokerd
