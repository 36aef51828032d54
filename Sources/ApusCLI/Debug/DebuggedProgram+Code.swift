@_spi(ApusCLI) internal import Apus

/// Code, by lines and by instructions.
extension DebuggedProgram {
    /// A line, as the client counts it.
    func shown(line: Int) -> Int { line - 1 + firstLine }

    /// A line that the client has named.
    func line(_ shown: JSON?) -> Int? {
        shown?.integer.map { min(max($0, 0), 1 << 30) + 1 - firstLine }
    }

    /// The text that clients ask for by `reference`.
    func text(withReference reference: Int) -> ModuleText? {
        texts.first { $0.reference == reference }
    }

    /// The first instruction of its function that is not before `place`; nil if there is none.
    func instruction(from place: CodePlace) -> CodePlace? {
        guard modules.indices.contains(place.module) else { return nil }
        return modules[place.module].instructionOffset(from: place.offset).map {
            CodePlace($0, in: place.module)
        }
    }

    /// Where line `line` of the source at `path` begins, or the next one that has code, in all
    /// modules.
    func places(ofLine line: Int, in path: String) -> [(place: CodePlace, line: Int)] {
        // Several of them may have sources that are called alike: the very one is meant then.
        let isKnown = modules.count > 1 && modules.contains { $0.sourceFiles.contains(path) }
        let found = modules.enumerated().flatMap { number, module in
            isKnown && !module.sourceFiles.contains(path)
                ? []
                : module.places(ofLine: line, in: path).map {
                    (place: CodePlace($0.offset, in: number), line: $0.line)
                }
        }
        // One of them may have no code for the line that another one has some for.
        let first = found.map(\.line).min()
        return found.filter { $0.line == first }
    }

    /// Where functions called `name` begin.
    func places(ofFunction name: String) -> [CodePlace] {
        modules.enumerated().flatMap { number, module in
            module.places(ofFunction: name).map { CodePlace($0, in: number) }
        }
    }

    private static var instructionLimit: Int { 10_000 }

    /// Instructions around one, for a client.
    func disassemble(_ arguments: JSON) throws -> JSON {
        guard let place = CodePlace(arguments["memoryReference"], arguments["offset"]) else {
            throw DebugRequestError("memoryReference and offset name no instruction")
        }
        let text = texts.indices.contains(place.module) ? texts[place.module] : nil
        let distance = min(max(arguments["instructionOffset"]?.integer ?? 0, -1 << 20), 1 << 20)
        let first = (text?.position(after: place.offset) ?? 0) - 1 + distance
        let count = min(
            max(arguments["instructionCount"]?.integer ?? 0, 0), Self.instructionLimit)
        return [
            "instructions": .array(
                (0..<count).map { number in
                    text.flatMap { instruction(first + number, of: $0) } ?? Self.noInstruction
                })
        ]
    }

    /// The instruction at a position among those of a module; nil if there is none.
    private func instruction(_ position: Int, of text: ModuleText) -> JSON? {
        let places = text.places
        guard places.indices.contains(position) else { return nil }
        let place = places[position]
        return [
            "address": .string(CodePlace(place.offset, in: text.module).text),
            "instruction": .string(text.instruction(onLine: place.line)),
            "location": text.source, "line": .integer(shown(line: place.line)),
        ]
    }

    private static let noInstruction: JSON = [
        "address": "0x0", "instruction": "(no code)", "presentationHint": "invalid",
    ]
}
