internal import ApusABI
internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// Pages of a module's address space that are filled with code of one function after the other
/// while others of it run.
///
/// They are mapped twice: where they run they can never be written, and the view through which they
/// are written goes when the chunk is full. The last image in it to go takes it along.
@safe
final class CodeChunk: @unchecked Sendable {
    // SAFETY: `view` is a mapping of `bytes` bytes that this object owns until `close`; it is
    // written under the lock of the space that the chunk is open in. `directory` is owned, too; the
    // handler reads it as long as code here runs, which keeps its image and so the chunk.
    let base: UInt
    let bytes: Int
    /// How others find this without keeping it.
    let reference = BackReference<CodeChunk>()
    private var view: UnsafeMutableRawPointer?
    private let directory: OpaquePointer
    private let table: LinkageTable
    private let space: BackReference<CodeSpace>
    private let module: BackReference<LoadedModule>
    private var used = 0
    /// A child of this process must not write where its parent does.
    private let process = apus_process()
    private let entries = SystemMutex<[Entry]>([])

    /// The place of an image that is being made, or may be going.
    private struct Entry {
        let start: UInt
        var image: BackReference<CodeImage>?
    }

    /// No function is smaller.
    private static var leastFunctionBytes: Int { 16 }

    /// A chunk at `base`, which is `bytes` bytes of `table`'s room that nobody else has.
    init(
        base: UInt, bytes: Int, _ table: LinkageTable, _ space: CodeSpace, _ module: LoadedModule
    ) throws(ResourceError) {
        let capacity = UInt64(bytes / Self.leastFunctionBytes)
        // SAFETY: the directory has room for as many functions as `bytes` can hold; the view is of
        // the `bytes` bytes at `base`, which the caller gives. What was made is given back where
        // this fails.
        guard let directory = unsafe apus_code_directory_make(capacity) else {
            throw ResourceError(.code, requested: UInt64(bytes))
        }
        guard
            let view = unsafe apus_code_view_make(
                UnsafeMutableRawPointer(bitPattern: base), UInt64(bytes))
        else {
            unsafe apus_code_directory_free(directory)
            throw ResourceError(.code, requested: UInt64(bytes))
        }
        guard unsafe apus_code_range_add_growing(base, base &+ UInt(bytes), directory) != 0 else {
            unsafe apus_unmap(view, UInt64(bytes))
            unsafe apus_code_directory_free(directory)
            throw ResourceError(.code, requested: UInt64(bytes))
        }
        self.base = base
        self.bytes = bytes
        unsafe self.view = view
        unsafe self.directory = directory
        self.table = table
        self.space = space.reference
        self.module = module.reference
        reference.open(self)
        CodeRegistry.shared.add(self)
    }

    deinit {
        reference.close()
        CodeRegistry.shared.remove(base: base)
        apus_code_range_remove(base)
        // SAFETY: no image of the chunk is left, so nobody runs code here and no handler looks into
        // the directory; the bytes are the chunk's.
        unsafe apus_code_directory_free(directory)
        close()
        // What cannot be given back stays unused, with its address space.
        if unsafe apus_decommit(UnsafeMutableRawPointer(bitPattern: base), UInt64(bytes)) == 0 {
            space.object?.giveBack(base, bytes)
        }
    }

    // MARK: Filling

    /// What `count` bytes of code take: a return address may be one past the last instruction.
    static func bytes(for count: Int) -> Int { count + 1 }

    /// Offset of the place for `count` bytes of code, aligned; nil if there is no room, or this is
    /// another process than the one that has made the chunk.
    func room(for count: Int, alignment: Int) -> Int? {
        let place = (used + alignment - 1) & ~(alignment - 1)
        // SAFETY: whether there is a view is asked, and nothing is read.
        let isWritable = unsafe view != nil && process == apus_process()
        guard isWritable, Self.bytes(for: count) <= bytes - place else { return nil }
        return place
    }

    /// Writes the code of `piece` at `offset`, which `room` gave, and lets `change` complete it;
    /// then announces it with its trap sites, which stay where they are until its image goes.
    ///
    /// The caller has the lock of the space: functions are announced in the order of their places,
    /// whichever threads make them.
    func write(
        _ code: Span<UInt8>, of piece: borrowing CodePiece, at offset: Int,
        _ change: (inout MutableSpan<UInt8>) -> Void
    ) {
        // SAFETY: the view has `bytes` bytes, and what is written lies within it, behind all that
        // was written before, as the precondition says. The caller has the lock of the space.
        guard let view = unsafe view else { return }
        precondition(offset >= used && Self.bytes(for: code.count) <= bytes - offset)
        let place = unsafe (view + offset).assumingMemoryBound(to: UInt8.self)
        unsafe code.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            unsafe place.update(from: first, count: source.count)
        }
        var written = unsafe MutableSpan(_unsafeStart: place, count: code.count)
        change(&written)
        used = offset + Self.bytes(for: code.count)
        announce(piece, at: base &+ UInt(offset))
    }

    private func announce(_ piece: borrowing CodePiece, at start: UInt) {
        entries.withLock { entries in entries.append(Entry(start: start)) }
        // SAFETY: TrapSite and apus_trap_site have the same layout. The records are in the arena's
        // allocation, which goes on to the image and stays where it is; when the image goes, it has
        // the chunk forget them first. The directory is this object's own.
        let isAdded = unsafe piece.sites.traps.span.withUnsafeBufferPointer { traps in
            let first = unsafe UnsafeRawPointer(traps.baseAddress)
            return unsafe apus_code_directory_add(
                directory, start, first?.assumingMemoryBound(to: apus_trap_site.self),
                UInt64(traps.count))
        }
        precondition(isAdded != 0, "there are more functions than could be")
    }

    /// Nothing is written any more.
    func close() {
        // SAFETY: the view is this object's own, and nobody writes by it any more.
        guard let view = unsafe view else { return }
        unsafe apus_unmap(view, UInt64(bytes))
        unsafe self.view = nil
    }

    // MARK: Images

    /// The code at the place of `image`, which was announced, is that image's.
    func complete(_ image: CodeImage) {
        entries.withLock { entries in
            let position = entries.partitioningIndex { $0.start > image.base }
            precondition(position > 0 && entries[position - 1].start == image.base)
            entries[position - 1].image = image.reference
        }
    }

    // SAFETY: the directory is this object's own.
    /// The image at `base` goes.
    func remove(_ base: UInt) { unsafe apus_code_directory_drop(directory, base) }

    /// The image whose code includes `address`, and its module; nil if there is none, or if one of
    /// them is going.
    func code(at address: UInt) -> (image: CodeImage, module: LoadedModule)? {
        guard let image = image(at: address), let module = module.object else { return nil }
        return (image, module)
    }

    /// The image whose code includes `address`; nil if there is none, or if it is going.
    func image(at address: UInt) -> CodeImage? {
        let reference = entries.withLock { entries -> BackReference<CodeImage>? in
            let position = entries.partitioningIndex { $0.start > address }
            return position > 0 ? entries[position - 1].image : nil
        }
        guard let image = reference?.object, image.covers(address) else { return nil }
        return image
    }
}
