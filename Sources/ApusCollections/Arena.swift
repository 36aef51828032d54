/// A growable array of trivial values with one owner and no reference counting.
///
/// The compilers keep everything they build in arenas: they are emptied between functions and
/// keep their capacity, so steady work allocates nothing.
@frozen @safe
public struct Arena<Element: BitwiseCopyable>: ~Copyable {
    // SAFETY: `base` points to `capacity` elements that this value alone owns, of which the first
    // `count` are initialised. Every public subscript checks its index against `count`.
    @usableFromInline var base: UnsafeMutablePointer<Element>
    @usableFromInline var storedCount: Int
    @usableFromInline var capacity: Int

    @inlinable
    public init(capacity: Int = 64) {
        // SAFETY: the allocation has `capacity` elements, none of which is initialised yet.
        unsafe base = .allocate(capacity: Swift.max(capacity, 1))
        storedCount = 0
        self.capacity = Swift.max(capacity, 1)
    }

    // SAFETY: the allocation is this value's alone, which ends here; its elements are trivial.
    @inlinable
    deinit { unsafe base.deallocate() }

    @inlinable
    public var count: Int { @inline(__always) get { storedCount } }

    @inlinable
    public var isEmpty: Bool { @inline(__always) get { storedCount == 0 } }

    @inlinable
    public subscript(index: Int) -> Element {
        // SAFETY: the index is below `storedCount`, as the precondition says, so the element is
        // initialised.
        @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: storedCount))
            return unsafe base[index]
        }
        @inline(__always) _modify {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: storedCount))
            yield unsafe &base[index]
        }
    }

    /// The last element. The arena must not be empty.
    @inlinable
    public var last: Element {
        @inline(__always) get { self[storedCount &- 1] }
        @inline(__always) _modify { yield &self[storedCount &- 1] }
    }

    /// Adds an element at the end.
    @inlinable @inline(__always)
    public mutating func append(_ element: Element) {
        if storedCount == capacity { grow(to: storedCount &+ 1) }
        // SAFETY: `storedCount` is below `capacity` now, if `grow` had to see to that.
        unsafe (base + storedCount).initialize(to: element)
        storedCount &+= 1
    }

    /// Adds `count` copies of an element.
    @inlinable
    public mutating func append(repeating element: Element, count: Int) {
        reserve(count)
        // SAFETY: `reserve` has made room for so many elements.
        unsafe (base + storedCount).initialize(repeating: element, count: count)
        storedCount &+= count
    }

    /// Forgets what there is and holds `count` copies of `element`.
    @inlinable
    public mutating func refill(_ element: Element, count: Int) {
        removeAll()
        append(repeating: element, count: count)
    }

    /// Adds all elements of another arena.
    @inlinable
    public mutating func append(contentsOf elements: borrowing Arena<Element>) {
        reserve(elements.storedCount)
        // SAFETY: `reserve` has made room for them; the other arena is another allocation, and is
        // borrowed.
        unsafe (base + storedCount).initialize(from: elements.base, count: elements.storedCount)
        storedCount &+= elements.storedCount
    }

    /// Adds all elements of a span.
    @inlinable
    public mutating func append(contentsOf elements: Span<Element>) {
        reserve(elements.count)
        for index in elements.indices { append(elements[index]) }
    }

    /// Takes the last element off. The arena must not be empty.
    @inlinable @inline(__always) @discardableResult
    public mutating func removeLast() -> Element {
        precondition(storedCount > 0)
        storedCount &-= 1
        // SAFETY: the last element that was initialised.
        return unsafe base[storedCount]
    }

    /// Forgets all elements after the first `count`; keeps the capacity.
    @inlinable @inline(__always)
    public mutating func truncate(to count: Int) {
        precondition(UInt(bitPattern: count) <= UInt(bitPattern: storedCount))
        storedCount = count
    }

    /// Forgets all elements; keeps the capacity.
    @inlinable @inline(__always)
    public mutating func removeAll() { storedCount = 0 }

    /// Makes room for `additional` more elements.
    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) {
        if capacity &- storedCount < additional { grow(to: storedCount &+ additional) }
    }

    /// The elements, for as long as the arena is not changed.
    @inlinable
    public var span: Span<Element> {
        @_lifetime(borrow self)
        @inline(__always) get {
            // SAFETY: the first `storedCount` elements are initialised, and the span borrows the
            // arena, so that it cannot change or go meanwhile.
            unsafe _overrideLifetime(
                Span(_unsafeStart: base, count: storedCount), borrowing: self)
        }
    }

    @usableFromInline @inline(never)
    mutating func grow(to needed: Int) {
        let larger = Swift.max(needed, capacity * 2)
        // SAFETY: the new allocation has room for more than `storedCount` elements, which are those
        // that are initialised; the old one was this value's alone, and no span of it can be alive
        // in a mutating function.
        let storage = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        unsafe storage.update(from: base, count: storedCount)
        unsafe base.deallocate()
        unsafe base = storage
        capacity = larger
    }
}
