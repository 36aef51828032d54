public import ApusCollections
public import ApusFormat

/// The text of functions of one module, as `TextFormat.print(_:)` has it, one function at a time.
public struct FunctionTexts {
    private var printer: ModulePrinter

    /// A line of a function's text.
    public struct Line: Hashable, Sendable {
        /// What it says, indented.
        public var text: String
        /// Where in the module the instruction is that it is; the parenthesis at the end is the
        /// final `end`. Nil if it is none.
        public var offset: Int?
    }

    /// Reads what functions of the module whose binary form is `module` are printed with.
    ///
    /// - Throws: `ModuleError` if that cannot be read. Nothing is validated.
    public init(_ module: ByteStorage) throws(ModuleError) {
        printer = try ModulePrinter(functionsOf: module)
    }

    /// The lines of function `index`; nil if the module has no code for such a function.
    ///
    /// - Throws: `ModuleError` if the instructions cannot be read.
    public mutating func lines(ofFunction index: Int) throws(ModuleError) -> [Line]? {
        let place = index - printer.importCount
        guard printer.bodies.indices.contains(place) else { return nil }
        try printer.printFunction(at: place)
        var lines: [Line] = []
        var nextPlace = 0
        var start = 0
        let output = printer.output
        while let end = output[start...].firstIndex(of: 0x0A) {
            var line = Line(text: String(decoding: output[start..<end], as: UTF8.self))
            if nextPlace < printer.places.count, printer.places[nextPlace].start == start {
                line.offset = printer.places[nextPlace].offset
                nextPlace += 1
            }
            lines.append(line)
            start = end + 1
        }
        return lines
    }
}
