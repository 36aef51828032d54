/// A declaration that a type or a file has, with the lines it takes.
struct DeclarationExtent {
    /// Of a type these are the lines of its header.
    let lines: ClosedRange<Int>
    let isType: Bool
}

/// Finds functions, properties and headers of types by their keywords and their indentation. What
/// is declared within a function is a part of that.
struct DeclarationFinder {
    private static let members: Set<Substring> = [
        "func", "init", "deinit", "subscript", "var", "let", "typealias", "case",
        "associatedtype",
    ]
    private static let types: Set<Substring> = [
        "struct", "class", "enum", "extension", "protocol", "actor",
    ]
    private static let modifiers: Set<Substring> = [
        "public", "private", "fileprivate", "internal", "final", "static", "mutating",
        "nonmutating", "borrowing", "consuming", "override", "convenience", "required", "lazy",
        "weak", "unowned", "nonisolated", "unsafe", "indirect", "prefix", "postfix", "infix",
    ]

    let file: SourceFile

    /// All of them, in order. Lines are numbered from 0.
    var declarations: [DeclarationExtent] {
        var found: [DeclarationExtent] = []
        var line = 0
        while line < file.code.count {
            switch Self.keyword(of: file.code[line]) {
            case let word? where Self.members.contains(word):
                found.append(DeclarationExtent(lines: line...end(from: line), isType: false))
            case _?:
                let end = file.code[line...].firstIndex { $0.contains("{") } ?? line
                found.append(DeclarationExtent(lines: line...end, isType: true))
            case nil: break
            }
            line = max(line, found.last?.lines.upperBound ?? 0) + 1
        }
        return found
    }

    /// The keyword of the declaration that begins in `line`.
    private static func keyword(of line: String) -> Substring? {
        var rest = line[...]
        var type: Substring?
        while true {
            rest = rest.drop { $0 == " " }
            let isAttribute = rest.first == "@"
            if isAttribute { rest.removeFirst() }
            let word = rest.prefix { $0.isLetter || $0 == "_" }
            rest = rest[word.endIndex...]
            if isAttribute || modifiers.contains(word) {
                if rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
            } else if types.contains(word) {
                // `class` may be a modifier.
                type = word
            } else {
                return members.contains(word) ? word : type
            }
            if word.isEmpty { return nil }
        }
    }

    /// The last line of the member that begins in `start`.
    private func end(from start: Int) -> Int {
        let indentation = Self.indentation(file.code[start])
        var end = start
        for line in (start + 1)..<max(file.code.count, start + 1) {
            let text = file.code[line].drop { $0 == " " }
            guard let first = text.first else { continue }
            let own = Self.indentation(file.code[line])
            let goesOn = own > indentation || own == indentation && ")]}{".contains(first)
            if !goesOn { return end }
            end = line
        }
        return end
    }

    static func indentation(_ line: String) -> Int { line.prefix { $0 == " " }.count }
}
