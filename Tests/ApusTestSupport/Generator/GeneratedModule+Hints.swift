import ApusCollections
public import ApusFormat

extension GeneratedModule {
    /// The same with hints at most of its branches, as likely right as wrong. They follow from
    /// what else was decided.
    public func hinted() throws -> GeneratedModule {
        var choices = ChoiceSource(seed: UInt64(record.count))
        var module = self
        module.bytes = try Self.addingHints(to: bytes, &choices)
        module.importer = try importer.map { try Self.addingHints(to: $0, &choices) }
        return module
    }

    /// A valid module with hints for its branches.
    public static func addingHints(
        to bytes: [UInt8], features: FeatureSet = .standard, _ choices: inout ChoiceSource
    ) throws -> [UInt8] {
        let module = try ValidModule.decode(bytes, features: features)
        guard let code = codeSection(bytes) else { return bytes }
        var validator = FunctionValidator(module, features: features)
        var functions = BinaryWriter()
        var count = 0
        for (place, body) in module.bodies.enumerated() {
            let index = place + module.importedFunctionCount
            try validator.validate(index)
            var hints: [Int] = []
            var reader = InstructionReader(
                module.bytes, from: validator.analysis.codeStart, to: validator.analysis.codeEnd)
            while reader.position < validator.analysis.codeEnd {
                let start = reader.position
                let operation = reader.next()
                reader.skipImmediates(of: operation)
                if operation == .if || operation == .brIf, choices.chance(80) {
                    hints.append(start - Int(body.start))
                }
            }
            if hints.isEmpty { continue }
            count += 1
            functions.unsigned(index)
            functions.unsigned(hints.count)
            for hint in hints {
                functions.unsigned(hint)
                functions.raw([1, UInt8(choices.below(2))])
            }
        }
        var contents = BinaryWriter()
        let name = Array(BranchHints.sectionName.utf8)
        contents.unsigned(name.count)
        contents.raw(name)
        contents.unsigned(count)
        contents.raw(functions.bytes)
        var section = BinaryWriter()
        section.byte(0)
        section.unsigned(contents.bytes.count)
        section.raw(contents.bytes)
        return Array(bytes[..<code]) + section.bytes + Array(bytes[code...])
    }

    /// Where the code section begins.
    private static func codeSection(_ bytes: [UInt8]) -> Int? {
        var reader = ByteReader(ByteStorage(bytes), 8..<bytes.count)
        while !reader.isAtEnd {
            let start = reader.position
            guard let code = try? reader.readByte(), let size = try? reader.readUnsigned32(),
                (try? reader.readPart(size)) != nil
            else { return nil }
            if code == Section.code.rawValue { return start }
        }
        return nil
    }
}
