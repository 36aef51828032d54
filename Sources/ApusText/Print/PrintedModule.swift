/// A module as text, and what stands on which of its lines.
public struct PrintedModule: Sendable {
    /// The text.
    public let text: String
    /// Ascending by offset: of each instruction in the module's bytes, but the last `end` of a
    /// function, and of where each function's body begins, the line that it is on, counted from 1.
    public let lines: [(offset: Int, line: Int)]

    init(_ output: [UInt8], _ marks: [ModulePrinter.Mark]) {
        text = String(decoding: output, as: UTF8.self)
        var lines: [(offset: Int, line: Int)] = []
        lines.reserveCapacity(marks.count)
        var line = 1
        var place = 0
        for mark in marks {
            while place < mark.start {
                if output[place] == 0x0A { line += 1 }
                place += 1
            }
            lines.append((mark.offset, line))
        }
        self.lines = lines
    }
}
