
# Behind the options of ours there is a command, which completes what follows it as it does elsewhere. Prints its line up to
# the cursor; fails where the word there is still ours.
function __fish_childminder_command
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l operands
    set -l valued
    switch "$words[2]"
        CASES
        case '*'
            return 1
    end
    set -l has_options yes
    set -e words[1..2]
    while set -q words[1]
        set -l word $words[1]
        if test "$has_options$word" = yes--
            set has_options
        else if test -n "$has_options"; and string match -q -- '-?*' $word
            if contains -- $word $valued
                set -q words[2]; or return 1
                set -e words[1]
            end
        else if test $operands -gt 0
            set operands (math $operands - 1)
        else
            break
        end
        set -e words[1]
    end
    if not set -q words[1]
        test $operands -gt 0; and return 1
        test -n "$has_options"; and string match -q -- '-*' $current; and return 1
    end
    string join ' ' -- (string escape -- $words) $current
end

complete -c childminder -n __fish_childminder_command -xa '(complete -C "$(__fish_childminder_command)")'
