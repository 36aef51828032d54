import Foundation
import Testing

/// Command lines, completed by the shells themselves.
struct CompletionTests {
    private static func isThere(_ shell: String) -> Bool {
        ["/bin/", "/usr/bin/"].contains {
            FileManager.default.isExecutableFile(atPath: $0 + shell)
        }
    }

    /// What each line, of which the last word is to be completed, can go on with; the rest of the
    /// folder cannot.
    private static let lines: [(line: String, has: [String], lacks: [String])] = [
        ("apus val", ["validate"], ["run", "a.wasm"]),
        ("apus explore ", ["a.wasm", "b.wat", "c.apus"], ["note.txt", "validate"]),
        ("apus validate a", ["a.wasm"], ["b.wat", "ant.txt"]),
        ("apus wast ", ["s.wast"], ["a.wasm"]),
        ("apus explore --fun", ["--function"], ["--json"]),
        ("apus run --compiler opt", ["optimizing"], ["baseline", "a.wasm"]),
        ("apus run --without rel", ["relaxed-simd"], ["simd"]),
        ("apus inspect --stage ", ["assembly", "ir", "machine", "text"], ["a.wasm"]),
        ("apus completions ", ["bash", "fish", "zsh"], ["a.wasm"]),
        // Without a subcommand, as with `run`.
        ("apus a", ["a.wasm"], ["ant.txt", "validate"]),
        ("apus --max-memory 1g --max-tab", ["--max-tables"], ["--json"]),
        ("apus a.wasm n", ["note.txt"], ["ant.txt", "validate"]),
        ("apus a.wasm ", ["note.txt", "ant.txt"], ["run", "validate"]),
    ]

    private static let files: [String: [UInt8]] = [
        "a.wasm": [], "b.wat": [], "c.apus": [], "s.wast": [], "note.txt": [], "ant.txt": [],
        "lines": Array((lines.map(\.line).joined(separator: "\n") + "\n").utf8),
    ]

    /// Runs `script` in a folder with the files. It prints, for each line of the file "lines", one
    /// with "=== " and then what that can go on with.
    private func complete(_ name: String, _ script: String) throws {
        try Command.withFolder(Self.files) { folder in
            let completions = try Command.run(["completions", name], in: folder)
            #expect(completions.status == 0 && completions.errorOutput == "")
            try Data(completions.output.utf8).write(to: folder.appending(path: "completions"))
            try Data(script.utf8).write(to: folder.appending(path: "script"))
            let outcome = try Command.run(
                shell: """
                    PATH=${0%/*}:$PATH HOME=$PWD LC_ALL=C.UTF-8 TERM=dumb
                    export PATH HOME LC_ALL TERM
                    exec timeout 60 \(name) ./script
                    """, in: folder)
            #expect(outcome.status == 0 && outcome.errorOutput == "")
            let parts = outcome.output.components(separatedBy: "=== ").dropFirst()
            #expect(parts.count == Self.lines.count)
            for (part, expected) in zip(parts, Self.lines) {
                // The line itself comes first.
                let found = part.drop { $0 != "\n" }
                let words = Set(found.unicodeScalars.split { $0.value <= 32 }.map { String($0) })
                for word in expected.has { #expect(words.contains(word), "\(name): \(part)") }
                for word in expected.lacks { #expect(!words.contains(word), "\(name): \(part)") }
            }
        }
    }

    @Test(.enabled(if: isThere("bash"))) func bash() throws {
        try complete(
            "bash",
            #"""
            source ./completions
            complete_with=$(complete -p apus | sed 's/.*-F \([^ ]*\).*/\1/')
            while IFS= read -r line; do
                printf '=== %s\n' "$line"
                read -r -a COMP_WORDS <<< "$line"
                case $line in *' ') COMP_WORDS+=('') ;; esac
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
                COMPREPLY=()
                "$complete_with" apus "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\n' "${COMPREPLY[@]}"
            done < lines
            """#)
    }

    @Test(.enabled(if: isThere("fish"))) func fish() throws {
        try complete(
            "fish",
            #"""
            source ./completions
            while read -l line
                printf '=== %s\n' "$line"
                complete -C "$line" | string replace -r '\t.*' ''
            end < lines
            exit 0
            """#)
    }

    /// In a terminal of its own, where a key asks, and the next one says that all has been said.
    @Test(.enabled(if: isThere("zsh"))) func zsh() throws {
        try complete(
            "zsh",
            #"""
            zmodload zsh/zpty
            zpty -b shell zsh -f -i
            setup=(
                "PROMPT= RPROMPT= LISTMAX=1000; autoload -Uz compinit; compinit -u -D"
                "unsetopt zle_bracketed_paste prompt_sp; setopt no_auto_menu auto_list"
                "setopt no_list_ambiguous"
                "finish() { BUFFER=; print; print -r -- 'MA''RK' }; zle -N finish"
                "bindkey '^X^X' finish; stty cols 200 rows 100"
                "source ./completions; print -r -- 'MA''RK'"
            )
            for line in $setup; do zpty -w shell $line; done
            zpty -r shell text '*MARK*'
            while IFS= read -r line; do
                print -r -- "=== $line"
                zpty -n -w shell "$line"$'\t\C-x\C-x'
                zpty -r shell text '*MARK*'
                print -r -- "$text" | sed $'s/\e\\[[0-9;?]*[a-zA-Z]//g'
            done < lines
            zpty -d shell
            """#)
    }

    @Test func otherShells() throws {
        try Command.withFolder([:]) { folder in
            let outcome = try Command.run(["completions", "csh"], in: folder)
            #expect(outcome.status == 64 && outcome.output == "")
        }
    }
}
