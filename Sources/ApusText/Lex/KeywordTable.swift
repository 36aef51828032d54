internal import ApusCollections
internal import ApusFormat

/// An instruction as the parser needs it.
struct InstructionRow: Sendable {
    /// What is special about how an instruction is written, besides its immediates.
    enum Syntax: UInt8, Sendable {
        case plain
        /// `block`, `loop`, `try_table`: with a label and a body.
        case block
        case `if`
        case `else`
        case end
        /// With or without a type.
        case select
        /// With a reference type, of which only the heap type follows the code.
        case test
    }

    var prefix: UInt8
    var code: UInt16
    var form: ImmediateForm
    var syntax: Syntax
    /// Binary logarithm.
    var naturalAlignment: UInt8
    /// How many lanes a lane index may choose from.
    var laneCount: UInt8
    /// Whether the instruction names a data segment.
    var usesData: Bool
    /// Whether a branch hint may stand before it.
    var takesHint: Bool

    init(_ opcode: Opcode) {
        let operation = opcode.operation
        prefix = opcode.prefix
        code = opcode.code
        form = operation.immediates
        naturalAlignment = operation.naturalAlignment
        laneCount = operation.laneCount
        usesData = [.dataAndMemory, .data, .typeAndData].contains(form)
        takesHint = operation == .if || operation == .brIf
        let special: [Operation: Syntax] = [
            .block: .block, .loop: .block, .tryTable: .block, .if: .if, .else: .else, .end: .end,
            .select: .select, .refTest(nullable: false): .test, .refCast(nullable: false): .test,
        ]
        syntax = special[operation] ?? .plain
    }
}

/// All words that the text format knows, by their bytes.
///
/// A keyword's number is its `Keyword`'s raw value or, from `firstInstruction` on, tells the row in
/// `instructions`. 0 is no keyword.
struct KeywordTable: Sendable {
    static let shared = KeywordTable()
    static var firstInstruction: UInt32 { 1_024 }

    /// The rows of the instruction table, one for each name.
    let instructions: [InstructionRow]
    private let words: ByteWindow
    private let entries: [Entry]
    private let slots: [UInt16]

    private struct Entry: Sendable {
        var start: Int
        var count: Int
        var number: UInt32
    }

    private init() {
        var words = [UInt8]()
        var entries: [Entry] = []
        func add(_ word: [UInt8], _ number: UInt32) {
            entries.append(Entry(start: words.count, count: word.count, number: number))
            words += word
        }
        for keyword in Keyword.allCases where keyword != .unknown {
            add(Array(keyword.text.utf8), keyword.rawValue)
        }
        var instructions: [InstructionRow] = []
        var known: Set<String> = []
        for prefix in Opcodes.prefixes {
            for code in 0..<Opcodes.count(prefix: prefix) {
                guard let row = Opcodes.opcode(prefix: prefix, code: code),
                    known.insert("\(row.name)").inserted
                else { continue }
                add(Array("\(row.name)".utf8), Self.firstInstruction + UInt32(instructions.count))
                instructions.append(InstructionRow(row))
            }
        }
        self.instructions = instructions
        self.words = ByteWindow(ByteStorage(words))
        self.entries = entries
        slots = Self.slots(entries, self.words)
    }

    private static func slots(_ entries: [Entry], _ words: ByteWindow) -> [UInt16] {
        var slots = [UInt16](repeating: .max, count: 4_096)
        for (index, entry) in entries.enumerated() {
            let range = entry.start..<(entry.start + entry.count)
            var slot = Int(truncatingIfNeeded: TextHash.hash(words, range, seed: 0) >> 52)
            while slots[slot] != .max { slot = (slot + 1) & 4_095 }
            slots[slot] = UInt16(index)
        }
        return slots
    }

    /// The number of the word that `text` has in `range`, 0 if it is no keyword.
    func number(_ text: ByteWindow, _ range: Range<Int>) -> UInt32 {
        var slot = Int(truncatingIfNeeded: TextHash.hash(text, range, seed: 0) >> 52)
        while slots[slot] != .max {
            let entry = entries[Int(slots[slot])]
            if entry.count == range.count, equals(entry, text, range.lowerBound) {
                return entry.number
            }
            slot = (slot &+ 1) & 4_095
        }
        return 0
    }

    private func equals(_ entry: Entry, _ text: ByteWindow, _ start: Int) -> Bool {
        var offset = 0
        while offset < entry.count {
            var difference = words.word(at: entry.start &+ offset) ^ text.word(at: start &+ offset)
            let left = entry.count &- offset
            if left < 8 { difference &= (1 &<< UInt64(left &* 8)) &- 1 }
            if difference != 0 { return false }
            offset &+= 8
        }
        return true
    }
}
