internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime
internal import ApusText

/// Where in a module guests can stop.
extension Module {
    /// A place in the code where a line of the source begins.
    public struct LinePlace: Hashable, Sendable {
        /// Of the instruction in the module's bytes.
        public var offset: Int
        /// Counted from 1.
        public var line: Int
    }

    /// The files that the module's code comes from, as far as its DWARF sections or a source map
    /// say, or the one in text form that it was read from.
    public var sourceFiles: [String] { loaded.sourceIndex?.paths ?? [] }

    /// Where the code of line `line` begins of the file whose path is or ends in `path`, in each
    /// function that has some. If that line has no code, of the next one that has. Empty if nothing
    /// is known of it.
    public func places(ofLine line: Int, in path: String) -> [LinePlace] {
        var functions: Set<Int> = []
        var found: [LinePlace] = []
        for (offset, line) in loaded.sourceIndex?.offsets(ofLine: line, in: path) ?? [] {
            // A function may come back to the line; who stops there has stopped at its beginning.
            if let function = decoded.function(ofSource: offset),
                !functions.insert(function).inserted
            {
                continue
            }
            found.append(LinePlace(offset: offset, line: line))
        }
        return found
    }

    /// Where the functions begin, behind what they need to have their variables, that are called
    /// `name` in their source, in the module's name section, or as exports.
    public func places(ofFunction name: String) -> [Int] {
        var found: [Int] = []
        let maps = FrameMaps(loaded, engine.configuration)
        let exported = decoded.exports.filter { $0.name == name }.map(\.item)
        for position in decoded.bodies.indices {
            let index = decoded.importedFunctionCount + position
            let start = decoded.sourceOffset(of: Int(decoded.bodies[position].start))
            let known = maps.name(ofFunction: index)
            let isMeant =
                known == name || known.flatMap { DemangledName.of($0) } == name
                || exported.contains(.function(UInt32(truncatingIfNeeded: index)))
            guard isMeant, let first = instructionOffset(from: start) else { continue }
            found.append(maps.lines(of: index)?.prologueEnd ?? first)
        }
        return found
    }

    /// Where the first instruction begins that is not before `offset` of the module's bytes, in the
    /// function that has that byte; nil if none has.
    public func instructionOffset(from offset: Int) -> Int? {
        codeOffset(from: offset).map { decoded.sourceOffset(of: $0) }
    }

    /// Where that instruction is in the code, which the decoder may have written anew.
    func codeOffset(from offset: Int) -> Int? {
        guard let index = decoded.function(ofSource: offset) else { return nil }
        var validator = FunctionValidator(decoded, features: engine.configuration.features)
        let offsets = (try? validator.instructionOffsets(of: index)) ?? []
        var found: (code: Int, source: Int)?
        for code in offsets {
            let source = decoded.sourceOffset(of: code)
            // What was written anew need not have the order of its source. What was added to it
            // comes before the instruction that it stands for.
            if source >= offset, source <= found?.source ?? .max { found = (code, source) }
        }
        return found?.code
    }

    /// The module as text, and on which line of it, from 1 on, each instruction stands, and the
    /// head of each function, which is where its body begins: by their offsets in the module's
    /// bytes, in order.
    ///
    /// - Throws: `ModuleError` if the text would be too long.
    @_spi(ApusCLI)
    public func textWithPlaces() throws -> (text: String, places: [LinePlace]) {
        let printed = try TextFormat.printWithPlaces(ownBytes)
        return (printed.text, printed.lines.map { LinePlace(offset: $0.offset, line: $0.line) })
    }

    /// A module that was loaded before.
    init(_ engine: Engine, _ loaded: LoadedModule) {
        self.init(
            engine, loaded,
            Statistics(
                moduleBytes: loaded.module.bytes.count, codeBytes: loaded.codeBytes,
                decodeTime: .zero, compileTime: .zero))
    }
}
