internal import ApusCollections

/// The first bytes of an instruction of compiled code, of which it is asked what it does to the
/// context and to the frame.
public struct InstructionStart {
    /// How many bytes tell.
    public static var byteCount: Int { 4 }

    private var bytes: UInt32 = 0
    private var count: UInt32 = 0

    public init() {}

    /// Adds the byte that comes next.
    public mutating func add(_ byte: UInt8) {
        bytes |= UInt32(byte) << (8 * count)
        count += 1
    }

    /// Whether it is `CodeBuffer.restoreContext`: `mov r15, [rbp - 8]`.
    public var restoresContext: Bool { bytes == 0xF87D_8B4C }

    /// Whether it calls or goes to a function whose address is in the scratch register, or in the
    /// record that this has the address of: `call r11`, `jmp r11`, `call [r11]`, `jmp [r11]`.
    public var entersFunction: Bool { bytes & 0xFFFF == 0xFF41 }

    /// Whether the frame pointer is not yet, or no longer, that of the function whose code it is:
    /// `push rbp`, `mov rbp, rsp`, `ret`.
    public var changesFrame: Bool {
        let first = bytes & 0xFF
        return first == 0x55 || first == 0xC3 || first == 0xC2 || bytes & 0xFF_FFFF == 0xE5_8948
    }
}
