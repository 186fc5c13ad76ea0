# bash completion of kconsume, made by completions/generate: do not edit

# Names of topics, if the cluster tells them within 300 ms.
_kconsume_topics() {
	local i broker=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -b ]] ||
			broker=(-b "${COMP_WORDS[i + 1]}")
	done
	timeout 0.3 ktopics list "${broker[@]}" 2>/dev/null
}

_kconsume() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local flags='-t --topic -p --partition -o --offset -e --exit-at-end -c --count -n --tail --isolation -G --group --instance-id --assignor --only-new --commit --ack-fd --ack --exec --batch --retries --dlq -C --consumer -f --format -D --delimiter -0 --nul -K --key-delimiter -O --print-offset -Z --print-null --null -u --unbuffered --enc --meta -b --bootstrap-server -F --config --profile -X --property -m --step-timeout --timeout -J --json -q --quiet -v --verbose -V --version -h --help --help-json'

	COMPREPLY=()
	case $prev in
	-t|--topic)
		COMPREPLY=($(compgen -W "$(_kconsume_topics)" -- "$cur"))
		return
		;;
	-p|--partition)
		COMPREPLY=()
		return
		;;
	-o|--offset)
		COMPREPLY=()
		return
		;;
	-c|--count)
		COMPREPLY=()
		return
		;;
	-n|--tail)
		COMPREPLY=()
		return
		;;
	--isolation)
		COMPREPLY=($(compgen -W "rc ru" -- "$cur"))
		return
		;;
	-G|--group)
		COMPREPLY=()
		return
		;;
	--instance-id)
		COMPREPLY=()
		return
		;;
	--assignor)
		COMPREPLY=($(compgen -W "range roundrobin sticky cooperative-sticky uniform" -- "$cur"))
		return
		;;
	--commit)
		COMPREPLY=($(compgen -W "none write drain ack" -- "$cur"))
		return
		;;
	--ack-fd)
		COMPREPLY=()
		return
		;;
	--ack)
		COMPREPLY=($(compgen -W "order exact" -- "$cur"))
		return
		;;
	--exec)
		COMPREPLY=()
		return
		;;
	--batch)
		COMPREPLY=()
		return
		;;
	--retries)
		COMPREPLY=()
		return
		;;
	--dlq)
		COMPREPLY=($(compgen -W "$(_kconsume_topics)" -- "$cur"))
		return
		;;
	-f|--format)
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
	--null)
		COMPREPLY=()
		return
		;;
	--enc)
		COMPREPLY=($(compgen -W "auto b64 hex" -- "$cur"))
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
		COMPREPLY=($(compgen -W "$(kconsume -X list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) *=.*/\1=/p')" -- "$cur"))
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
		COMPREPLY=($(compgen -W "$(_kconsume_topics)" -- "$cur"))
	fi
	[[ $cur != -* ]] ||
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
}

complete -F _kconsume kconsume
