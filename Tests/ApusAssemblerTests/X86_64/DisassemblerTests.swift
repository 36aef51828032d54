import ApusAssembler
import Foundation
import Testing

/// Bytes read back as instructions.
@Suite struct DisassemblerTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Golden")

    static var listings: [String] {
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path())
        return (files ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    /// Whether a vector operand in memory has its size in front depends on the listing.
    private func normalized(_ text: some StringProtocol) -> String {
        String(text).replacingOccurrences(of: "xmmword ptr ", with: "")
    }

    private func bytes(_ digits: some StringProtocol) throws -> [UInt8] {
        let digits = Array(digits.utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
            return try #require(UInt8(pair, radix: 16))
        }
    }

    @Test func thereAreListings() { #expect(Self.listings.count >= 25) }

    /// Each encoding that is checked against another assembler is read as what it was made of.
    @Test(arguments: listings)
    func readsListings(name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t")
            let code = try bytes(parts[0])
            let instruction = Disassembler.instruction(code.span, at: 0)
            #expect(instruction.length == code.count, "\(line)")
            #expect(normalized(instruction.text) == normalized(parts[1]), "\(line)")
            // With any byte missing it is something else.
            for count in 1..<code.count {
                let part = Array(code[..<count])
                #expect(Disassembler.instruction(part.span, at: 0).length <= count, "\(line)")
            }
        }
    }

    @Test(arguments: [
        ("0f05", ".byte 15"), ("62f17c4858c1", ".byte 98"), ("c5fc58c1", ".byte 197"),
        ("f4", ".byte 244"), ("66", ".byte 102"), ("0f", ".byte 15"), ("c4", ".byte 196"),
        ("f30f38", ".byte 243"), ("ff38", ".byte 255"), ("06", ".byte 6"),
        ("0faee8", ".byte 15"),
    ])
    func unknownBytesStayBytes(digits: String, text: String) throws {
        let code = try bytes(digits)
        let instruction = Disassembler.instruction(code.span, at: 0)
        #expect(instruction.text == text)
        #expect(instruction.length == 1)
    }

    @Test(arguments: [
        ("f3480f2ac0", "cvtsi2ss xmm0, rax"), ("c5fb2ac1", "vcvtsi2sd xmm0, xmm0, ecx"),
        ("8b05fcffffff", "mov eax, dword ptr [rip - 4]"),
        ("8b042578563412", "mov eax, dword ptr [305419896]"), ("88e0", "mov al, ah"),
        ("0faef0", "mfence"),
    ])
    func readsOthers(digits: String, text: String) throws {
        let code = try bytes(digits)
        #expect(Disassembler.instruction(code.span, at: 0).text == text)
    }

    @Test(arguments: [
        ("eb02", 14), ("ebfe", 10), ("e900010000", 271), ("0f84f6ffffff", 6), ("7500", 12),
    ])
    func knowsWhereJumpsGo(digits: String, target: Int) throws {
        let code = Array(repeating: 0x90, count: 10) + (try bytes(digits))
        let instruction = Disassembler.instruction(code.span, at: 10)
        #expect(instruction.target == target)
        #expect(instruction.text.hasSuffix(" 0x\(String(target, radix: 16))"))
    }

    /// Any bytes at all are read, to their end.
    @Test func readsAnyBytes() {
        var state: UInt64 = 1
        for _ in 0..<20_000 {
            let code = (0..<16).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state &>> 56)
            }
            let lines = CodeListing(code.span).lines
            #expect(lines.reduce(0) { $0 + $1.length } == code.count)
        }
    }

    /// Tables and constants are no instructions.
    @Test func tablesAndConstantsAreData() {
        var code = CodeBuffer()
        let table = code.makeLabel()
        let a = code.makeLabel()
        let b = code.makeLabel()
        code.lea(.w64, .rax, label: table)
        code.jump(.rcx)
        code.bind(table)
        let start = code.count
        code.append32(label: a, relativeTo: start)
        code.append32(label: b, relativeTo: start)
        code.bind(a)
        code.bind(b)
        code.floatAdd(.xmm0)
        code.ret()
        code.emitConstants()
        let lines = CodeListing(code.span).lines.map(\.text)
        #expect(
            lines == [
                "lea rax, [rip + 2]", "jmp rcx", ".long 0x11 - 0x9", ".long 0x11 - 0x9",
                "vaddsd xmm0, xmm0, qword ptr [rip + 7]", "ret", "int3", "int3", "int3", "int3",
                "int3", "int3", ".byte 0, 0, 0, 0, 0, 0, 248, 63",
            ])
    }
}

extension CodeBuffer {
    fileprivate mutating func floatAdd(_ register: XMM) {
        float(.add, .f64, register, register, Address(constant: constant64(1.5.bitPattern)))
    }
}
