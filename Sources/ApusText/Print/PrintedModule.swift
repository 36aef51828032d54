/// A module as text, and what stands on which of its lines.
public struct PrintedModule: Sendable {
    /// The text.
    public let text: String
    /// Ascending by offset: of each instruction in the module's bytes, and of where each function's
    /// body begins, the line that it is on, counted from 1.
    public let lines: [(offset: Int, line: Int)]

    /// `output`, in which what is at `offset` of the module stands at `start`.
    init(_ output: [UInt8], _ places: [(start: Int, offset: Int)]) {
        text = String(decoding: output, as: UTF8.self)
        var lines: [(offset: Int, line: Int)] = []
        lines.reserveCapacity(places.count)
        var line = 1
        var counted = 0
        for place in places.sorted(by: { $0.offset < $1.offset }) {
            while counted < place.start {
                if output[counted] == 0x0A { line += 1 }
                counted += 1
            }
            lines.append((place.offset, line))
        }
        self.lines = lines
    }
}
