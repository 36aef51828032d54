import ApusFormat
import Testing

/// The instruction table against itself.
@Suite struct OpcodesTests {
    private static let rows: [Opcode] = Opcodes.prefixes.flatMap { prefix in
        (0..<Opcodes.count(prefix: prefix)).compactMap {
            Opcodes.opcode(prefix: prefix, code: $0)
        }
    }

    @Test func everyRowStandsAtItsCode() {
        for prefix in Opcodes.prefixes {
            for code in 0..<Opcodes.count(prefix: prefix) {
                guard let row = Opcodes.opcode(prefix: prefix, code: code) else { continue }
                #expect(Int(row.code) == code, "\(row.name)")
                #expect(row.prefix == prefix, "\(row.name)")
            }
        }
    }

    @Test func noOperationHasTwoEncodings() {
        var seen: [ApusFormat.Operation: StaticString] = [:]
        for row in Self.rows {
            if let other = seen[row.operation] {
                Issue.record("\(row.name) and \(other) are the same operation")
            }
            seen[row.operation] = row.name
        }
    }

    @Test func onlyThreeNamesOccurTwice() {
        var counts: [String: Int] = [:]
        for row in Self.rows { counts["\(row.name)", default: 0] += 1 }
        #expect(counts.filter { $0.value > 1 } == ["select": 2, "ref.test": 2, "ref.cast": 2])
    }

    @Test func thereAreAsManyInstructionsAsTheSpecificationsList() {
        var byFeature: [Feature: Int] = [:]
        for row in Self.rows {
            if let feature = row.feature { byFeature[feature, default: 0] += 1 }
        }
        #expect(byFeature[.signExtension] == 5)
        #expect(byFeature[.saturatingConversions] == 8)
        #expect(byFeature[.bulkMemory] == 7)
        #expect(byFeature[.simd] == 236)
        #expect(byFeature[.relaxedSIMD] == 20)
        #expect(byFeature[.garbageCollection] == 32)
        #expect(byFeature[.threads] == 67)
        #expect(Self.rows.count { $0.feature == nil } == 172)
        #expect(Self.rows.count == 570)
    }

    @Test func gapsAreNotInstructions() {
        #expect(Opcodes.opcode(prefix: 0, code: 0x27) == nil)
        #expect(Opcodes.opcode(prefix: 0, code: 0xFF) == nil)
        #expect(Opcodes.opcode(prefix: 0, code: 256) == nil)
        #expect(Opcodes.opcode(prefix: 0xFD, code: 154) == nil)
        #expect(Opcodes.opcode(prefix: 0xFD, code: 276) == nil)
        #expect(Opcodes.opcode(prefix: 0xF0, code: 0) == nil)
        #expect(Opcodes.opcode(prefix: 0xFC, code: -1) == nil)
    }

    /// An instruction's name says its types; the signature must agree.
    @Test func signaturesAgreeWithNames() {
        let types: [String: UInt8] = [
            "i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B,
        ]
        for row in Self.rows {
            guard let signature = row.operation.fixedSignature else { continue }
            let name = "\(row.name)"
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count == 2, let type = types[parts[0]] else { continue }
            switch row.operation {
            case .compare, .test, .vectorAnyTrue: #expect(signature.result == 0x7F, "\(name)")
            case .store: #expect(signature.second == type && signature.result == 0, "\(name)")
            case .convert:
                #expect(signature.result == type, "\(name)")
                let source = types.first { parts[1].contains("_\($0.key)") }
                #expect(signature.first == source?.value, "\(name)")
            case .load, .i32Const, .i64Const, .f32Const, .f64Const, .unary, .binary:
                #expect(signature.result == type, "\(name)")
            default: break
            }
        }
    }
}
