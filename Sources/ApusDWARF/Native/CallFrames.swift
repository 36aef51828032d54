internal import ApusCollections

/// How frames are left, function by function: `.eh_frame` for what runs in a process, or
/// `.debug_frame` for debuggers. Specification: DWARF 5, 6.4, and the System V ABI for x86-64.
public enum CallFrames {
    /// Numbers of registers.
    private enum Register {
        static let rbx: UInt8 = 3
        static let rbp: UInt8 = 6
        static let rsp: UInt8 = 7
        static let r12: UInt8 = 12
        static let returnAddress: UInt8 = 16
    }

    /// Rules, as they are written.
    private enum Rule {
        static let advance: UInt8 = 0x40
        static let offset: UInt8 = 0x80
        static let defineFrame: UInt8 = 0x0C
        static let defineRegister: UInt8 = 0x0D
        static let defineOffset: UInt8 = 0x0E
        static let nothing: UInt8 = 0x00
    }

    /// What a process registers (`__register_frame`): addresses are absolute.
    public static func exceptionFrames(of functions: [NativeFunction]) -> [UInt8] {
        var writer = DebugWriter()
        writeCommon(&writer, isException: true)
        for function in functions {
            let start = writer.count
            writer.word(0)
            // Back to the entry that all have in common.
            writer.word(writer.count)
            writeFunction(function, &writer, isException: true, start)
        }
        writer.word(0)
        return writer.bytes
    }

    /// The same as a section of an object file.
    static func debugFrames(of functions: [NativeFunction]) -> [UInt8] {
        var writer = DebugWriter()
        writeCommon(&writer, isException: false)
        for function in functions {
            let start = writer.count
            writer.word(0)
            writer.word(0)
            writeFunction(function, &writer, isException: false, start)
        }
        return writer.bytes
    }

    private static func end(_ writer: inout DebugWriter, _ start: Int) {
        writer.pad(to: 8, with: Rule.nothing)
        // The length leaves itself out.
        writer.setWord(writer.count - start - 4, at: start)
    }

    /// At a function's first instruction.
    private static func writeCommon(_ writer: inout DebugWriter, isException: Bool) {
        let start = writer.count
        writer.word(0)
        writer.word(isException ? 0 : UInt32.max)
        writer.byte(1)
        writer.text(isException ? "zR" : "")
        writer.leb(1)
        writer.signedLeb(-8)
        writer.byte(Register.returnAddress)
        if isException {
            writer.leb(1)
            writer.byte(0)
        }
        writer.append([Rule.defineFrame, Register.rsp, 8])
        writer.append([Rule.offset | Register.returnAddress, 1])
        end(&writer, start)
    }

    private static func writeFunction(
        _ function: NativeFunction, _ writer: inout DebugWriter, isException: Bool, _ start: Int
    ) {
        writer.long(function.start)
        writer.long(function.byteCount)
        if isException { writer.leb(0) }
        switch function.shape {
        case .function, .entry:
            // push rbp
            writer.append([Rule.advance | 1, Rule.defineOffset, 16])
            writer.append([Rule.offset | Register.rbp, 2])
            // mov rbp, rsp
            writer.append([Rule.advance | 3, Rule.defineRegister, Register.rbp])
            guard function.shape == .entry else { break }
            writer.append([Rule.offset | Register.rbx, 3])
            for index in 0..<4 {
                writer.append([Rule.offset | (Register.r12 + UInt8(index)), UInt8(4 + index)])
            }
        case .host(let bytes):
            // sub rsp, bytes
            writer.append([Rule.advance | (bytes < 128 ? 4 : 7), Rule.defineOffset])
            writer.leb(UInt64(bytes) + 8)
        case .stub:
            writer.append([Rule.defineFrame, Register.rbp, 16, Rule.offset | Register.rbp, 2])
        }
        end(&writer, start)
    }
}
