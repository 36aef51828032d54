/// A function with its extent.
struct FunctionExtent {
    let name: String
    /// Line number of its first line, from 1.
    let start: Int
    /// How many lines it has, not counting cases on one line.
    let lines: Int
}

/// Finds functions and initialisers by their keyword and their braces.
enum FunctionFinder {
    static func functions(in file: SourceFile) -> [FunctionExtent] {
        var found: [FunctionExtent] = []
        for (number, line) in file.code.enumerated() {
            guard line.mentions("func") || line.mentions("init"),
                let match = line.firstMatch(of: /\b(func\s+[^\s(<]+|init[?!]?[(<])/)
            else { continue }
            let indentation = line.prefix { $0 == " " }
            // The end is the first line that closes at the indentation of the beginning.
            guard let open = file.code[number...].firstIndex(where: { $0.hasSuffix("{") }),
                signature(file.code[number...open], isAt: indentation),
                let close = file.code[open...].dropFirst().firstIndex(of: indentation + "}")
            else { continue }
            let counted = file.code[number...close].count {
                !$0.mentions("case ") || $0.wholeMatch(of: /\s*case .*:\s*\S.*/) == nil
            }
            found.append(
                FunctionExtent(name: String(match.output.0), start: number + 1, lines: counted))
        }
        return found
    }

    /// Whether all further lines of what may be a signature are indented as such.
    private static func signature(
        _ lines: ArraySlice<String>, isAt indentation: Substring
    ) -> Bool {
        lines.dropFirst().allSatisfy { line in
            line.hasPrefix(indentation + " ") || line.hasPrefix(indentation + ")")
        }
    }
}
