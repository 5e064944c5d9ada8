
# Behind the options of ours there is a command, which completes what follows it as it does elsewhere.
_childminder_or_command() {
    local operands valued options=yes at=2
    case ${COMP_WORDS[1]-} in
        CASES
        *) _childminder "$@"; return ;;
    esac
    while ((at < COMP_CWORD)); do
        local word=${COMP_WORDS[at]}
        if [[ $options && $word == -- ]]; then
            options=
        elif [[ $options && $word == -?* ]]; then
            # What is typed as --option=value is three words here.
            if [[ ${COMP_WORDS[at + 1]} == = ]]; then
                ((at += 2))
            elif [[ $valued == *" $word "* ]]; then
                ((at += 1))
            fi
        elif ((operands-- <= 0)); then
            break
        fi
        ((at += 1))
        # A value with a colon in it is several words, too.
        while [[ ${COMP_WORDS[at]} == : ]] && ((at < COMP_CWORD)); do
            ((at += 2))
        done
    done
    if ((at > COMP_CWORD || at == COMP_CWORD && operands > 0)) || [[ $options && ${COMP_WORDS[at]} == -* ]]; then
        _childminder "$@"
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
    elif ((at == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[at]}")
    fi
}
complete -F _childminder_or_command -o bashdefault -o default childminder
