public import ApusCollections
internal import CApusHost

/// Which build of Apus this is: code that another one has made may not run here, since both would
/// have to agree on all that `ApusABI` says, and on what the compilers do.
///
/// It stands for the contents of the program, or of the shared library, that Apus is a part of: so
/// it changes with every change of Apus, and nobody has to think of it.
public enum BuildIdentity {
    /// Nil if the system does not show this program.
    public static let current: Checksum? = ofNote ?? ofFile

    /// What the linker has made of the contents.
    private static var ofNote: Checksum? {
        var id = [UInt8](repeating: 0, count: 64)
        // SAFETY: at most as many bytes are written as there is room for.
        let count = unsafe id.withUnsafeMutableBufferPointer { room in
            unsafe apus_build_id(room.baseAddress, UInt32(room.count))
        }
        // Shorter ones may be anything that somebody has chosen.
        return count >= 8 ? Checksum(of: id.span.extracting(0..<Int(count))) : nil
    }

    /// The contents themselves, where the linker was told to note nothing.
    private static var ofFile: Checksum? {
        let file = apus_build_open()
        guard file >= 0 else { return nil }
        defer { apus_build_close(file) }
        return (try? MappedFile.map(file)).map { Checksum(of: $0.bytes.span) }
    }
}
