@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ArgumentParser

/// `apus completions`: writes what a shell completes this command's line with.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Writes a script with which a shell completes command lines.",
        discussion: """
            EXAMPLES:
              apus completions bash > ~/.local/share/bash-completion/completions/apus
              apus completions zsh > ~/.zfunc/_apus        with ~/.zfunc in fpath
              apus completions fish > ~/.config/fish/completions/apus.fish
            """)

    @Argument(help: ArgumentHelp("The shell.", valueName: "SHELL"))
    var shell: Shell

    func run() throws {
        try Outcome.exiting {
            try Array(shell.script.utf8).write(toFile: nil)
            return 0
        }
    }

    /// A shell that completes command lines.
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        /// What the parser of command lines knows, and what it does not: that without a subcommand
        /// all is as after `run`.
        var script: String {
            switch self {
            case .bash: return ApusCommand.completionScript(for: .bash) + "\n" + Self.bashShortForm
            case .zsh:
                return Self.inserting(
                    Self.zshShortForm, before: "\nif [[ \"${funcstack[1]}\"",
                    in: ApusCommand.completionScript(for: .zsh))
            case .fish:
                let script = ApusCommand.completionScript(for: .fish)
                return Self.atFirst(script) + "\n" + Self.fishShortForm(script)
            }
        }

        private static func inserting(_ text: String, before end: String, in script: String)
            -> String
        {
            guard let place = script.firstRange(of: end) else { return script }
            return script[..<place.lowerBound] + "\n" + text + script[place.lowerBound...]
        }

        private static let names = (ApusCommand.subcommands + ["help"]).joined(separator: " ")

        private static let bashShortForm = """
            _apus_short() {
                _apus "$@"
                local -a found=()
                if [[ "${COMP_CWORD}" -eq 1 ]]; then
                    found=("${COMPREPLY[@]}")
                elif [[ " \(names) " = *" ${COMP_WORDS[1]} "* ]]; then
                    return
                fi
                COMPREPLY=()
                COMP_WORDS=("${COMP_WORDS[0]}" run "${COMP_WORDS[@]:1}")
                COMP_CWORD=$((COMP_CWORD + 1))
                _apus "$@"
                COMPREPLY+=("${found[@]}")
            }
            complete -o filenames -F _apus_short apus

            """

        private static let zshShortForm = """
            functions[_apus_of_subcommands]=$functions[_apus]
            _apus() {
                local -i ret=1
                if (( CURRENT <= 2 )); then
                    _apus_of_subcommands && ret=0
                elif [[ " \(names) " = *" ${words[2]} "* ]]; then
                    _apus_of_subcommands
                    return
                fi
                words=("${words[1]}" run "${(@)words[2,-1]}")
                (( CURRENT++ ))
                _apus_of_subcommands && ret=0
                return ret
            }

            """

        /// The options of `run` where there is no subcommand, by the conditions of the script.
        private static func fishOptions(_ script: String) -> String {
            let start = "complete -c 'apus' -n '__apus_should_offer_completions_for_"
            let options = start + "flags_or_options \"apus run\""
            return script.split(separator: "\n").filter { $0.hasPrefix(options) }
                .compactMap { line in
                    line.dropFirst(options.count).firstIndex(of: "'").map { end in
                        "complete -c 'apus' -n __apus_is_short" + line[line.index(after: end)...]
                    }
                }.joined(separator: "\n")
        }

        /// The script, but with subcommands only where no module stands before them: for the parser
        /// whatever is no subcommand leaves room for one.
        private static func atFirst(_ script: String) -> String {
            let anywhere = "'__apus_should_offer_completions_for_positional \"apus\" -eq 1'"
            return script.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                guard let place = line.firstRange(of: anywhere) else { return String(line) }
                return line[..<place.lowerBound] + "__apus_is_first" + line[place.upperBound...]
            }.joined(separator: "\n")
        }

        private static func fishShortForm(_ script: String) -> String {
            let files = moduleEndings.map { "(commandline -t)*.\($0)" }.joined(separator: " ")
            return """
                function __apus_is_short
                    not __fish_seen_subcommand_from \(names)
                end
                function __apus_is_first
                    __apus_is_short; and test (count (commandline -opc)) -eq 1
                end
                function __apus_is_argument
                    __apus_is_short; and test (count (commandline -opc)) -gt 1
                end
                function __apus_modules
                    for file in \(files)
                        printf "%s\\n" $file
                    end
                    __fish_complete_directories (commandline -t) ""
                end
                \(fishOptions(script))
                complete -c 'apus' -n __apus_is_first -a '(__apus_modules)'
                complete -c 'apus' -n __apus_is_argument -F

                """
        }
    }
}

/// What names of modules end in.
let moduleEndings = ["wasm", "wat", "apus"]
