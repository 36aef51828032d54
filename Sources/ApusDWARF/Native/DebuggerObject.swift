internal import ApusCollections

/// What a debugger is told of machine code, as an object file: symbols, frames, lines, and if the
/// module has DWARF sections its types, functions and variables.
public struct DebuggerObject {
    private let code: NativeCode
    private var information = DebugWriter()
    private var abbreviations = AbbreviationWriter()
    private var lines = DebugWriter()
    private var ranges = DebugWriter()

    /// The object for `code`, of a module with these sources. Where they say nothing, the line of
    /// an instruction is its offset in the module, of a file `name`. With variables, if all of the
    /// module's functions are in `code`.
    public static func make(
        _ code: NativeCode, _ sources: SourceIndex?, codeStart: Int, name: String,
        withVariables: Bool
    ) -> [UInt8] {
        var object = DebuggerObject(code)
        var described: Set<UInt32> = []
        if withVariables, let sources {
            var budget = sources.budget
            described = sources.look(&budget) { object.addUnits(of: &$0) } ?? []
        }
        let rest = code.functions.filter { function in
            !function.body.isEmpty && !described.contains(function.body.lowerBound)
        }
        object.addPlainUnit(rest, sources, codeStart: codeStart, name: name)
        return object.finish()
    }

    private init(_ code: NativeCode) { self.code = code }

    private consuming func finish() -> [UInt8] {
        var file = ObjectFile(code)
        file.add(".debug_frame", CallFrames.debugFrames(of: code.functions))
        file.add(".debug_abbrev", abbreviations.bytes)
        file.add(".debug_info", information.bytes)
        file.add(".debug_line", lines.bytes)
        file.add(".debug_ranges", ranges.bytes)
        return file.finish()
    }

    // MARK: Units of the module's own

    /// Adds the units that have code here; where their functions begin.
    private mutating func addUnits(of sources: inout DebugInformation) -> Set<UInt32> {
        var described: Set<UInt32> = []
        let functions = Dictionary(
            code.functions.filter { !$0.body.isEmpty }.map { ($0.body.lowerBound, $0) }
        ) { first, _ in first }
        let bodies = functions.keys.sorted()
        for index in sources.unitIndices {
            // A function may begin with the number of its body's bytes.
            let present = sources.functionStarts(ofUnit: index).compactMap { start in
                let place = bodies.partitioningIndex { $0 >= start }
                return place < bodies.count && bodies[place] - start <= 5
                    ? functions[bodies[place]] : nil
            }
            if present.isEmpty { continue }
            var translator = UnitTranslator(present, code.layout, rangesStart: ranges.count)
            let linesStart = lines.count
            guard
                let unit = sources.translate(
                    index, with: &translator, &abbreviations, linesAt: linesStart)
            else { continue }
            information.append(unit)
            ranges.append(translator.ranges.bytes)
            lines.append(sources.lineProgram(ofUnit: index, for: present))
            for function in present { described.insert(function.body.lowerBound) }
        }
        return described
    }

    // MARK: A unit of functions that nothing is said of

    private mutating func addPlainUnit(
        _ functions: [NativeFunction], _ sources: SourceIndex?, codeStart: Int, name: String
    ) {
        if functions.isEmpty { return }
        var files: [String: UInt32] = [:]
        var paths: [String] = []
        func number(_ path: String) -> UInt32 {
            if let known = files[path] { return known }
            paths.append(path)
            files[path] = UInt32(paths.count)
            return UInt32(paths.count)
        }
        var rows: [(function: NativeFunction, rows: [(UInt64, UInt32, UInt32, UInt32)])] = []
        var budget = sources?.budget ?? .lookup
        for function in functions {
            let body =
                Int(function.body.lowerBound) + codeStart..<Int(function.body.upperBound)
                + codeStart
            let known = sources?.lines(in: body, &budget) ?? SourceLines()
            let files = known.files.map(number)
            var own: [(UInt64, UInt32, UInt32, UInt32)] = []
            for place in function.places {
                let offset = Int(place.offset) + codeStart
                let found = known.rows.partitioningIndex { $0.offset > offset } - 1
                if found >= 0 {
                    let row = known.rows[found]
                    own.append(
                        (
                            place.address, files[row.file], UInt32(clamping: row.line),
                            UInt32(clamping: row.column)
                        ))
                } else if known.rows.isEmpty {
                    own.append((place.address, number(name), UInt32(clamping: offset), 0))
                }
            }
            rows.append((function, own))
        }
        var program = LineProgramWriter(files: paths)
        for (function, rows) in rows { Self.write(rows, of: function, to: &program) }
        writePlainUnit(functions, name)
        lines.append(program.bytes)
    }

    private static func write(
        _ rows: [(UInt64, UInt32, UInt32, UInt32)], of function: NativeFunction,
        to program: inout LineProgramWriter
    ) {
        var last: (UInt32, UInt32, UInt32)?
        for (index, row) in rows.enumerated() {
            let place = (row.1, row.2, row.3)
            if index == 0 {
                program.row(function.start, file: row.1, line: row.2, column: row.3)
            } else if let last, last == place {
                continue
            }
            program.row(row.0, file: row.1, line: row.2, column: row.3)
            last = place
        }
        program.endSequence(at: function.start + function.byteCount)
    }

    private mutating func writePlainUnit(_ functions: [NativeFunction], _ name: String) {
        let unitShape = abbreviations.code(
            tag: EntryTag.compileUnit, hasChildren: true,
            [
                (AttributeName.name, Form.string), (AttributeName.language, Form.data2),
                (AttributeName.lineTable, Form.sectionOffset),
                (AttributeName.lowAddress, Form.address), (AttributeName.highAddress, Form.data8),
            ])
        let functionShape = abbreviations.code(
            tag: EntryTag.subprogram, hasChildren: false,
            [
                (AttributeName.name, Form.string), (AttributeName.lowAddress, Form.address),
                (AttributeName.highAddress, Form.data8),
            ])
        var unit = DebugWriter()
        unit.leb(unitShape)
        unit.text(name)
        let plainC: UInt16 = 0x0C
        unit.half(plainC)
        unit.word(lines.count)
        unit.long(code.base)
        unit.long(code.byteCount)
        for function in functions {
            unit.leb(functionShape)
            unit.text(function.name)
            unit.long(function.start)
            unit.long(function.byteCount)
        }
        unit.byte(0)
        information.append(UnitTranslator.header(entryBytes: unit.count))
        information.append(unit.bytes)
    }
}
