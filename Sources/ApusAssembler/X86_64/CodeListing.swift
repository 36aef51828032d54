internal import ApusCollections

// Consumes: the code of one function as `CodeBuffer` has it when all labels are bound, with its
// tables of jumps and its constants.

/// A function's code, instruction after instruction, and the data among it.
public struct CodeListing: Sendable {
    /// An instruction, or a few bytes of data.
    public struct Line: Hashable, Sendable {
        /// Where it is in the code.
        public var offset: Int
        /// Its bytes.
        public var length: Int
        /// The instruction in Intel's syntax, or what the data are.
        public var text: String
    }

    /// All of the code, in order.
    public private(set) var lines: [Line] = []
    /// Places that are jumped to.
    private var targets: Set<Int> = []
    /// Where tables of jumps begin, and where the constants do.
    private var tables: Set<Int> = []
    private var constants: Int

    /// Lists `code`, whose places count from its own start.
    public init(_ code: Span<UInt8>) {
        constants = code.count
        var offset = 0
        while offset < code.count {
            if offset >= constants {
                offset = addConstants(code, offset)
            } else if tables.contains(offset) {
                offset = addTable(code, offset)
            } else {
                offset = addInstruction(code, offset)
            }
        }
    }

    private mutating func addInstruction(_ code: Span<UInt8>, _ offset: Int) -> Int {
        let instruction = Disassembler.instruction(code, at: offset)
        lines.append(Line(offset: offset, length: instruction.length, text: instruction.text))
        let end = offset + instruction.length
        if let target = instruction.target { targets.insert(target) }
        if let reference = instruction.reference, reference >= end {
            if instruction.isAddress {
                tables.insert(reference)
            } else {
                constants = min(constants, reference)
            }
        }
        return end
    }

    /// The distances from the table's own start to where it leads, up to the next code.
    private mutating func addTable(_ code: Span<UInt8>, _ start: Int) -> Int {
        func next(_ places: Set<Int>) -> Int? { places.filter { $0 > start }.min() }
        var end = min(next(targets) ?? code.count, next(tables) ?? code.count, constants)
        var offset = start
        while offset + 4 <= end {
            var word: UInt32 = 0
            for index in 0..<4 { word |= UInt32(code[offset + index]) &<< UInt32(8 * index) }
            let target = start + Int(Int32(bitPattern: word))
            guard target >= 0, target < code.count else { break }
            targets.insert(target)
            if target > start { end = min(end, target) }
            let text = ".long 0x\(String(target, radix: 16)) - 0x\(String(start, radix: 16))"
            lines.append(Line(offset: offset, length: 4, text: text))
            offset += 4
        }
        if offset > start { return offset }
        tables.remove(start)
        return start
    }

    private mutating func addConstants(_ code: Span<UInt8>, _ offset: Int) -> Int {
        let end = min(offset + 8, code.count)
        let bytes = (offset..<end).map { "\(code[$0])" }.joined(separator: ", ")
        lines.append(Line(offset: offset, length: end - offset, text: ".byte \(bytes)"))
        return end
    }
}
