@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusLocks

/// A module as text, made when somebody asks: the source of what has no other.
final class ModuleText: Sendable {
    private struct Contents: Sendable {
        /// Nil if it would be too long.
        var text: String?
        var places: [Module.LinePlace] = []
        var lines: [Substring] = []
    }

    private let content: Module
    /// The module's number among the program's.
    let module: Int
    private let name: String
    private let made = SystemMutex<Contents?>(nil)

    /// What clients ask for it by.
    var reference: Int { module + 1 }

    /// The text of `content`, which is module number `module` and called `name`.
    init(_ content: Module, _ module: Int, named name: String) {
        self.content = content
        self.module = module
        self.name = name
    }

    private var contents: Contents {
        made.withLock { made in
            if let made { return made }
            var contents = Contents()
            if let printed = try? content.textWithPlaces() {
                contents.text = printed.text
                contents.places = printed.places
                contents.lines = printed.text.split(
                    separator: "\n", omittingEmptySubsequences: false)
            }
            made = contents
            return contents
        }
    }

    /// All of it; nil if it would be too long.
    var text: String? { contents.text }

    /// Places of instructions, in order.
    var places: [Module.LinePlace] { contents.places }

    /// The line of the instruction at `offset`, or of the one before.
    func line(at offset: Int) -> Int? {
        let place = position(after: offset) - 1
        return place >= 0 ? places[place].line : nil
    }

    /// Position among the places of the first one behind `offset`.
    func position(after offset: Int) -> Int {
        let places = places
        return places.partitioningIndex { $0.offset > offset }
    }

    /// The place of the first instruction on `line` or behind it.
    func place(ofLine line: Int) -> (place: CodePlace, line: Int)? {
        let places = places
        let position = places.partitioningIndex { $0.line >= line }
        guard position < places.count else { return nil }
        return (CodePlace(places[position].offset, in: module), places[position].line)
    }

    /// The instruction that stands on `line`.
    func instruction(onLine line: Int) -> String {
        let lines = contents.lines
        guard lines.indices.contains(line - 1) else { return "" }
        let text = lines[line - 1].drop { $0 == " " }
        // A function's end is a parenthesis of its own.
        return text.hasPrefix(")") ? "end" : String(text)
    }

    /// How a client names it.
    var source: JSON {
        ["name": .string(name + ".wat"), "sourceReference": .integer(reference)]
    }
}
