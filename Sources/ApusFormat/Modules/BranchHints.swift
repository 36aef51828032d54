internal import ApusCollections

/// What a module says about its conditional branches: which are likely taken, which hardly ever.
///
/// They are in the custom section `metadata.code.branch_hint`, before the code. Whatever is wrong
/// with it only means that there are no hints. Specification: “Branch Hinting”, binary format.
public struct BranchHints: Hashable, Sendable {
    /// For each hinted instruction twice its offset in the module, plus 1 if the condition is
    /// likely true; in ascending order.
    private var entries: [UInt64] = []

    /// The name of the section.
    public static var sectionName: String { "metadata.code.branch_hint" }

    /// No hints.
    public init() {}

    /// The hints of the module that `parts` are to become.
    init(_ parts: borrowing DecodedModule.Parts) {
        guard let first = parts.bodies.first,
            let section = parts.customSections.first(where: { $0.name == Self.sectionName }),
            section.contents.upperBound <= Int(first.start)
        else { return }
        var reader = ByteReader(parts.bytes, section.contents)
        do {
            try read(&reader, parts.bodies, parts.importedFunctionCount)
        } catch {
            entries = []
        }
    }

    /// Reads hints of functions in ascending order, and in each of ascending offsets.
    private mutating func read(
        _ reader: inout ByteReader, _ bodies: [FunctionBody], _ importedCount: Int
    ) throws(ModuleError) {
        var nextFunction = importedCount
        for _ in 0..<(try reader.readUnsigned32()) {
            let function = Int(try reader.readUnsigned32())
            guard function >= nextFunction, function - importedCount < bodies.count else {
                throw reader.malformed("unknown function \(function)")
            }
            nextFunction = function + 1
            let body = bodies[function - importedCount]
            var next = UInt64(body.start)
            for _ in 0..<(try reader.readUnsigned32()) {
                let offset = UInt64(body.start) + UInt64(try reader.readUnsigned32())
                let size = try reader.readUnsigned32()
                let value = try reader.readByte()
                guard offset >= next, offset < UInt64(body.end), size == 1, value < 2 else {
                    throw reader.malformed("malformed hint")
                }
                next = offset + 1
                entries.append(offset << 1 | UInt64(value))
            }
        }
        guard reader.isAtEnd else { throw reader.malformed("section size mismatch") }
    }

    /// Where the hints of the function with this body are.
    public func range(of body: FunctionBody) -> Range<Int> {
        if entries.isEmpty { return 0..<0 }
        let all = entries.indices
        let first = index(atOrAfter: Int(body.start), in: all)
        return first..<index(atOrAfter: Int(body.end), in: first..<all.upperBound)
    }

    /// Whether the condition of the instruction at `offset` is likely true; nil if no hint in
    /// `range` says so.
    public func isLikely(at offset: Int, in range: Range<Int>) -> Bool? {
        let index = index(atOrAfter: offset, in: range)
        guard index < range.upperBound, entries[index] >> 1 == UInt64(offset) else { return nil }
        return entries[index] & 1 != 0
    }

    private func index(atOrAfter offset: Int, in range: Range<Int>) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] >> 1 < UInt64(offset) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
