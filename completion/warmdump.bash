# Bash completion of warmdump(8). Commands, options and what an option takes are read from --help, so nothing here can fall
# behind the program.
# shellcheck shell=bash

# The help text of warmdump or of one of its commands, as far as it tells of options and commands: a line each,
# "--option", "--option TAKES" or "command", the description behind a tab.
_warmdump_help() {
    "$@" --help 2> /dev/null | awk '
        /^    ?-/ { sub(/^ +/, "  ") }  # options of a group stand further in
        /^ *[A-Z][a-z]+:$/ { section = $1; next }
        section == "Subcommands:" && /^  [a-z]/ { print $1; next }
        section != "Options:" || !/^ / || /^  [^ -]/ { next }
        /^  -/ {
            if (names != "") print names "\t" about
            names = $1
            takes = $2 ~ /^[A-Z{]/ && $2 !~ /:$/ && /^  [^ ]+ [^ ]/ ? $2 : ""
            about = $0
            sub(/,/, " ", names)
            if (takes != "") names = names " " takes
            next
        }
        { about = about $0 }
        END { if (names != "") print names "\t" about }
    '
}

# Completes what an option takes, by the name that --help gives it.
_warmdump_value() {
    local takes=$1 about=$2 word=$3 words=
    case $takes in
        *\{*\}*)
            words=${takes#*\{}
            words=${words%%\}*}
            ;;
        WORD)
            # "...: warm, cold or halt (default: warm)"
            words=${about#*: }
            words=${words%% (*}
            words=${words// or /,}
            ;;
        *DIR*)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            return
            ;;
        *FILE* | *DEVICE* | *TEXT*)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "${words//,/ }" -- "$word")
}

_warmdump() {
    local program=$1 word=$2 before=$3 command='' options='' words='' names about i
    COMPREPLY=()
    # Readline cuts --option=value in three.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
    while IFS=$'\t' read -r names about; do
        if [[ $before == -* && " $names " == *" $before "* && $names == *[A-Z]* ]]; then
            _warmdump_value "${names##* }" "$about" "$word"
            return
        fi
        for names in $names; do
            if [[ $names == [-a-z]* ]]; then options+=" $names"; fi
            if [[ $names == [a-z]* ]]; then words+=" $names"; fi
        done
    done < <(_warmdump_help "$program" ${command:+"$command"})
    if [[ $word == -* || -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        compopt -o filenames
        # Words of the command, such as of `upload`, and files.
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
    fi
}

complete -F _warmdump warmdump
